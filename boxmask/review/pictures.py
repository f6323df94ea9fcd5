"""Images and parts of them as JPEG, reduced to what a page shows; decoded ones are kept a while."""

import io
import threading
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from boxmask.errors import InputError
from boxmask.faults import ImageFault
from boxmask.images import load_image, relative_name
from boxmask.overlay import Pixels
from boxmask.review.instances import Instances

CACHE_BYTES = 256 << 20  # of decoded pixels
_AT_ONCE = 2  # images that are decoded at the same time
_QUALITY = 87
Window = tuple[int, int, int, int]  # x, y, w, h


class Stamp(NamedTuple):
    """What tells that a file has changed."""

    modified: int  # nanoseconds
    size: int


class _Kept(NamedTuple):
    stamp: Stamp
    found: Pixels | ImageFault


class Pictures:
    """Decodes the images of a dataset; safe to call from many threads."""

    def __init__(self, instances: Instances, *, follow_links: bool = False) -> None:
        self._instances = instances
        self._folder = instances.images
        self._real_folder = instances.images.resolve()
        self._follow_links = follow_links
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(_AT_ONCE)
        self._busy: dict[int, threading.Lock] = {}

    def stamp(self, image: int) -> Stamp:
        """Tell one content of an image's file from another; ImageFault if it may not be read."""
        path = self._path(image)
        try:
            status = path.stat()
        except (OSError, ValueError):
            return Stamp(0, 0)  # why it cannot be read is told when it is opened
        return Stamp(status.st_mtime_ns, status.st_size)

    def pixels(self, image: int) -> Pixels:
        """Decode an image as (H, W, 3) RGB, upright; raise ImageFault where that cannot be done.

        It is the same array until the file changes or others have taken its place.
        """
        stamp = self.stamp(image)
        with self._lock:
            busy = self._busy.setdefault(image, threading.Lock())
        with busy:
            kept = self._look_up(image, stamp)
            if kept is None:
                with self._slots:
                    kept = self._decode(image)
                self._keep(image, _Kept(stamp, kept))
        with self._lock:
            self._busy.pop(image, None)
        if isinstance(kept, ImageFault):
            raise ImageFault(kept.reason, self._folder, kept.detail)
        return kept

    def crop(self, image: int, window: Window, side: int) -> bytes:
        """Return a part of an image as JPEG, its longer side at most `side`."""
        x, y, w, h = window
        return _jpeg(self.pixels(image)[y : y + h, x : x + w], side)

    def whole(self, image: int, side: int) -> bytes:
        """Return an image as JPEG, its longer side at most `side`."""
        return _jpeg(self.pixels(image), side)

    def _path(self, image: int) -> Path:
        """Find the file of an image; ImageFault if it lies outside the folder, by its name or by
        a link."""
        file_name = self._instances.dataset.file_names[image]
        name = relative_name(file_name, self._folder)
        if name is None:
            raise ImageFault("file name leaves the image folder", self._folder, repr(file_name))
        path = self._folder / name
        if self._follow_links:
            return path
        try:
            inside = path.resolve().is_relative_to(self._real_folder)
        except (OSError, ValueError, RuntimeError):  # a name that no file can have, a loop of links
            inside = True  # nothing is there: opening says so
        if not inside:
            raise ImageFault(
                "file name leaves the image folder",
                path,
                "it is a link that leads out of --images; --follow-links allows it",
            )
        return path

    def _decode(self, image: int) -> Pixels | ImageFault:
        dataset = self._instances.dataset
        try:
            return load_image(
                self._folder,
                dataset.file_names[image],
                width=int(dataset.widths[image]),
                height=int(dataset.heights[image]),
                rotated_if_unsized=dataset.rotated_if_unsized,
            )
        except ImageFault as fault:
            return fault
        except MemoryError:
            return ImageFault("image cannot be read", self._path(image), "not enough memory for it")

    def _look_up(self, image: int, stamp: Stamp) -> Pixels | ImageFault | None:
        with self._lock:
            kept = self._kept.get(image)
            if kept is None or kept.stamp != stamp:
                return None
            self._kept.move_to_end(image)
            return kept.found

    def _keep(self, image: int, kept: _Kept) -> None:
        with self._lock:
            self._kept[image] = kept
            self._kept.move_to_end(image)
            while len(self._kept) > 1 and sum(map(_bytes, self._kept.values())) > CACHE_BYTES:
                self._kept.popitem(last=False)


def _bytes(kept: _Kept) -> int:
    return 1024 if isinstance(kept.found, ImageFault) else kept.found.nbytes


def _jpeg(pixels: Pixels, side: int) -> bytes:
    if not pixels.size:
        raise InputError("there is nothing to show of this image")
    picture = Image.fromarray(pixels)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()
