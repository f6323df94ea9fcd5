"""A worker that is killed by whatever it does."""

import os
import signal


def main(handle: int) -> None:
    """Die before the first message."""
    os.kill(os.getpid(), signal.SIGKILL)
