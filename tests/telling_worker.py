"""A worker that says which GPU it has been given, as a number of boxes, and takes no task."""

from multiprocessing.connection import Connection


def main(handle: int) -> None:
    """Tell, and end with the run."""
    pipe: Connection = Connection(handle)
    device: str = pipe.recv().device
    pipe.send(int(device.removeprefix("cuda:")))
    pipe.send(None)
