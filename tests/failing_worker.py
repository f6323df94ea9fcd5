"""A worker that sends an error as soon as it can."""

from multiprocessing.connection import Connection

from boxmask.errors import RunError


def main(handle: int) -> None:
    """Fail before the first task."""
    pipe: Connection = Connection(handle)
    pipe.recv()
    pipe.send(RunError("sent by a worker"))
