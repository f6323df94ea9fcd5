"""What happens when the disk is full."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from boxmask.errors import RunError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def room_on_disk(out: Path) -> Iterator[None]:
    """Turn "no space left" of any write inside into a sentence that says how to go on."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise RunError(
            f"{out}: cannot write, {os.strerror(error.errno)}. Finished shards are kept: "
            "make room and run the same command again, it goes on from there."
        ) from error
