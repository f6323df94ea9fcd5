"""What a command says when it fails: one net for all of them, so that none ends with a traceback.

Our own errors say what to do. What the system refuses (a full disk, a name that is a folder, no
memory) is said here, wherever it comes from.
"""

import os
import sys
from contextlib import suppress

from boxmask.errors import BoxmaskError

EXPLAINED = (BoxmaskError, OSError, MemoryError, RecursionError, UnicodeError)


def explain(error: BaseException) -> str:
    """Say in a sentence what has failed."""
    match error:
        case OSError():
            why = os.strerror(error.errno) if error.errno else str(error)
            return f"{error.filename or 'a file'}: cannot be used, {why}."
        case MemoryError():
            return "not enough memory for this; give fewer or smaller images, or fewer --decoders."
        case RecursionError():
            return "the data is nested too deeply; no box file needs lists in lists without end."
        case UnicodeError():
            return f"a text that is no Unicode cannot be used here: {error}."
    return str(error)


def forget_output() -> None:
    """Have what nobody takes from standard output go nowhere, or Python complains at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
