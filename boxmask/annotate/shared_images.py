"""Images that are decoded once, however many batches their boxes are in.

Batches of an image follow each other, and threads prepare several at the same time. An image is
decoded for the first of them and let go with the last.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from boxmask.annotate.workload import Workload
from boxmask.images import Coarsest
from boxmask.models.zoom import ImagePyramid


class _Shared:
    """An image with its reductions, while any of its batches is to come."""

    def __init__(self, batches: int) -> None:
        self.batches = batches  # that are not done with it
        self.lock = threading.Lock()
        self.held = ExitStack()
        self.pyramid: ImagePyramid | None = None


class SharedImages:
    """The images of a shard; each is opened once for every batch of `at_once` of its boxes."""

    def __init__(self, workload: Workload, *, at_once: int | None) -> None:
        self._workload = workload
        self._at_once = at_once
        self._lock = threading.Lock()
        self._shared: dict[int, _Shared] = {}

    def __enter__(self) -> "SharedImages":
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of what a broken run has left."""
        for shared in self._shared.values():
            shared.held.close()

    @contextmanager
    def opened(self, image: int, coarsest: Coarsest) -> Iterator[ImagePyramid]:
        """Decode an image as Workload.opened does, if this is its first batch."""
        with self._lock:
            if image not in self._shared:
                self._shared[image] = _Shared(self._batches(image))
            shared = self._shared[image]
        try:
            with shared.lock:
                if shared.pyramid is None:
                    opened = self._workload.opened(image, coarsest)
                    shared.pyramid = shared.held.enter_context(opened)
            yield shared.pyramid
        finally:
            self._done(image, shared)

    def _done(self, image: int, shared: _Shared) -> None:
        with self._lock:
            shared.batches -= 1
            if not shared.batches:
                del self._shared[image]
        if not shared.batches:
            shared.pyramid = None
            shared.held.close()

    def _batches(self, image: int) -> int:
        rows = len(self._workload.rows_wanted(image))
        return -(-rows // (self._at_once or rows))
