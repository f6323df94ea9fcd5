"""Keeps freed memory together, where the C library is glibc.

glibc lets almost every thread take memory from a piece of its own, and what one of them frees the
others cannot have. Compiling and decoding free much: by pieces of their own, a short run takes a
tenth more memory.
"""

import ctypes

from boxmask.cores import core_count

_ARENA_MAX = -8  # M_ARENA_MAX of malloc.h
_CORES_AN_ARENA = 4  # more would wait for each other


def share_arenas() -> None:
    """Let all threads of the process share a few arenas; does nothing by another C library.

    For a process that is ours: it is a setting of the whole of it.
    """
    try:
        ctypes.CDLL(None).mallopt(_ARENA_MAX, max(1, core_count() // _CORES_AN_ARENA))
    except (AttributeError, OSError, TypeError):  # no such function, or no way to ask for it
        return
