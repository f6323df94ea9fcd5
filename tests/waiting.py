"""Waiting in tests: for long on a busy machine, and never for ever."""

import time
from collections.abc import Callable

LONG = 300.0  # seconds after which something hangs


def wait_until(so: Callable[[], bool], what: str) -> None:
    """Wait until something is so, which `what` says in words."""
    end = time.monotonic() + LONG
    while not so():
        assert time.monotonic() < end, f"not in {LONG:.0f} seconds: {what}"
        time.sleep(0.01)
