"""What happens when the system refuses a file: a full disk, a folder without permission."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from boxmask.errors import RunError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def told_of_disk(out: Path) -> Iterator[None]:
    """Turn what the system refuses inside into a sentence that says how to go on."""
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        remedy = "make room" if error.errno in FULL else "mend that"
        # Where a write fails, the system names no file: it is then one of the output's.
        raise RunError(
            f"{error.filename or out}: cannot be used, {why}. Finished shards are kept: "
            f"{remedy} and run the same command again, it goes on from there."
        ) from error
