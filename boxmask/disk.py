"""What the system refuses, a full disk or no permission, in sentences that say how to go on."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from boxmask.errors import RunError

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def explain_disk_errors(place: Path, then: str) -> Iterator[None]:
    """Raise RunError in the place of what the system refuses; `then` says how to go on with it.

    Where a write fails, the system names no file: it is then one of those at `place`.
    """
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        remedy = "make room" if error.errno in _DISK_FULL else "mend that"
        raise RunError(
            f"{error.filename or place}: cannot be used, {why}: {remedy} and {then}."
        ) from error
