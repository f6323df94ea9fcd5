"""A worker that takes no notice of the end of its run."""

import time
from multiprocessing.connection import Connection


def main(handle: int) -> None:
    """Ask for a task, and do nothing for long."""
    pipe: Connection = Connection(handle)
    pipe.recv()
    pipe.send(None)
    time.sleep(60)
