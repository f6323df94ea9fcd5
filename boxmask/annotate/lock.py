"""One run at a time in a work folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from boxmask.errors import RunError


@contextmanager
def exclusive(work: Path) -> Iterator[None]:
    """Hold the work folder, or refuse at once when another run holds it.

    The kernel drops the lock with its process, so that a killed run leaves nothing to clean up.
    """
    handle = os.open(work / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise RunError(
            f"{work}: another run is at work here. Wait for it to end, or give another --out."
        ) from None
    try:
        yield
    finally:
        os.close(handle)
