"""Images that are decoded once, however many batches their boxes are in.

Batches of an image follow each other, and threads prepare several at the same time. An image is
decoded for the first of them and let go with the last. It is given room in memory in its turn, by
the order of the images: all batches of those that hold room are then under way, so that whoever
waits for room gets it.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from boxmask.annotate.workload import Workload, hold_pixels
from boxmask.faults import ImageFault
from boxmask.images import Coarsest
from boxmask.models.zoom import ImagePyramid


class _Shared:
    """An image with its reductions, while any of its batches is to come."""

    def __init__(self, batches: int) -> None:
        self.batches = batches  # that are not done with it
        self.lock = threading.Lock()
        self.held = ExitStack()
        self.pyramid: ImagePyramid | None = None
        self.fault: ImageFault | None = None


class SharedImages:
    """The images of a shard; each is opened once for every batch of `at_once` of its boxes."""

    def __init__(self, workload: Workload, images: Sequence[int], *, at_once: int | None) -> None:
        self._workload = workload
        self._at_once = at_once
        self._lock = threading.Lock()
        self._shared: dict[int, _Shared] = {}
        # Those that have not been given room yet.
        self._line = {image: None for image in images if len(workload.rows_wanted(image))}
        self._passed = threading.Condition()

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
                if shared.fault is not None:
                    raise shared.fault
                if shared.pyramid is None:
                    shared.pyramid = self._open(image, shared, coarsest)
            yield shared.pyramid
        finally:
            self._done(image, shared)

    def _open(self, image: int, shared: _Shared, coarsest: Coarsest) -> ImagePyramid:
        hold = partial(self._hold_in_turn, image)
        try:
            return shared.held.enter_context(self._workload.opened(image, coarsest, hold))
        except ImageFault as fault:
            shared.fault = fault
            raise
        finally:
            self._let_next_pass(image)

    @contextmanager
    def _hold_in_turn(self, image: int, pixels: int) -> Iterator[None]:
        with self._passed:
            self._passed.wait_for(lambda: next(iter(self._line)) == image)
        with hold_pixels(pixels):
            self._let_next_pass(image)
            yield

    def _let_next_pass(self, image: int) -> None:
        with self._passed:
            self._line.pop(image, None)
            self._passed.notify_all()

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
