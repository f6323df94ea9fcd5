"""How many pixels are in memory at once: threads that decode large images wait for each other."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 64_000_000  # pixels; four threads of common photographs never wait


class Turns:
    """Lets threads hold at most so many pixels together, or one of them any number."""

    def __init__(self, pixels: int) -> None:
        self._most = pixels
        self._held = 0
        self._freed = threading.Condition()

    @contextmanager
    def hold(self, pixels: int) -> Iterator[None]:
        """Wait until so many pixels may be held, and hold them in the block."""
        with self._freed:
            self._freed.wait_for(lambda: not self._held or self._held + pixels <= self._most)
            self._held += pixels
        try:
            yield
        finally:
            with self._freed:
                self._held -= pixels
                self._freed.notify_all()
