"""The network of a review, loaded while its first masks are looked at.

Its libraries take as long to load as a large file, and what loads keeps other threads waiting.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boxmask.review.correct import Corrector

_HEAD_START = 2.0  # seconds that the first screen of a page has for itself


class Loading:
    """A network that is loaded once; safe to ask from many threads."""

    def __init__(self, weights: Path | None) -> None:
        self._weights = weights  # None: the bundled ones
        self._loaded: Corrector | None = None
        self._lock = threading.Lock()

    def network(self) -> "Corrector":
        """Return the network, as soon as it is loaded."""
        with self._lock:
            if self._loaded is None:
                from boxmask.review.correct import Corrector

                self._loaded = Corrector.load(self._weights)
            return self._loaded

    @contextmanager
    def soon(self) -> Iterator[None]:
        """Load it in a moment, or when it is asked for.

        At the end this waits for what has begun: a thread that is left in the middle of loading a
        library takes the whole process down with it.
        """
        timer = threading.Timer(_HEAD_START, self._try)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def _try(self) -> None:
        with suppress(Exception):  # told when a mask is asked for
            self.network()
