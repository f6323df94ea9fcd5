"""Images as (H, W, 3) RGB arrays, or the reason why there is none.

Everything here is safe to call from many threads. JPEG files are decoded at full size unless a
reduction is asked for, which is faster and rounds the pixels in another way.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, Unpack

import numpy as np
import numpy.typing as npt
from PIL import Image

from boxmask.faults import ImageFault
from boxmask.images.files import open_image, relative_name
from boxmask.images.orientation import (
    Exif,
    Size,
    check_size,
    final_size,
    orientation_of,
    rotate,
    should_rotate,
    stored_size,
)
from boxmask.images.rgb import to_rgb
from boxmask.remote import Folder

__all__ = [
    "Coarsest",
    "Exif",
    "OpenedImage",
    "Size",
    "image_pixels",
    "image_size",
    "load_image",
    "opened_image",
    "relative_name",
]

Pixels = npt.NDArray[np.uint8]

Coarsest = Callable[[Size], int]  # by how much an image of a size may be reduced, each way

MAX_PIXELS = 200_000_000
LARGE = 4_000_000  # pixels: decoding so many costs as much as several boxes
_MOST_REDUCED = 8  # what JPEG decoders can do


class Opening(TypedDict, total=False):
    """How an image is opened: the options of `opened_image`."""

    width: int
    height: int
    exif: Exif
    rotated_if_unsized: bool
    max_pixels: int


def load_image(folder: Folder, file_name: str, **options: Unpack[Opening]) -> Pixels:
    """Decode an image as (H, W, 3) RGB; raise ImageFault where that cannot be done."""
    with opened_image(folder, file_name, **options) as opened:
        return opened.pixels()


@dataclass(frozen=True, eq=False)
class OpenedImage:
    """An image whose header is read and fits; no pixel is decoded yet."""

    image: Image.Image
    path: object
    turn: bool
    orientation: int

    @property
    def size(self) -> Size:
        """The (width, height) of its pixels."""
        return final_size(stored_size(self.image), self.turn, self.orientation)

    def reduce(self, coarsest: Coarsest) -> int:
        """Have a large one decoded at 1/2, 1/4 or 1/8 of its sides, rounded up; return the factor.

        Its pixels are then means of blocks of so many each way, at most of what `coarsest` says. It
        is 1 of what is not large, not a JPEG file or to be turned. From then on `size` is that of
        the blocks.
        """
        width, height = self.image.size
        if width * height < LARGE or self.turn or self.image.format != "JPEG":
            return 1
        by = min(coarsest((width, height)), _MOST_REDUCED)
        if by == 1 or min(width, height) < by:
            return 1
        self.image.draft(self.image.mode, (width // by, height // by))
        return by if self.image.size == (-(-width // by), -(-height // by)) else 1

    def pixels(self) -> Pixels:
        """Decode it as (H, W, 3) RGB, once: Pillow's own copy, which is larger, is let go."""
        try:
            return _decode(self.image, self.path, self.turn, self.orientation)
        finally:
            self.image.close()


@contextmanager
def opened_image(
    folder: Folder,
    file_name: str,
    *,
    width: int = 0,
    height: int = 0,
    exif: Exif = "auto",
    rotated_if_unsized: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> Iterator[OpenedImage]:
    """Open an image, for those who want to know its size before its pixels.

    `width` and `height` are what the dataset states, 0 if it does not.
    """
    stated = (width, height) if width and height else None
    with open_image(folder, file_name, max_pixels) as image:
        turn = should_rotate(image, stated, exif, rotated_if_unsized)
        opened = OpenedImage(image, folder / file_name, turn, _orientation(image, turn))
        check_size(opened.path, opened.size, stated)
        yield opened


def image_size(folder: Folder, file_name: str, **options: Unpack[Opening]) -> Size:
    """Return the (width, height) of what `load_image` would yield, from the header alone.

    ImageFault where the name or the header tells that it cannot be used. No pixel is decoded: an
    image that is damaged further on passes.
    """
    with opened_image(folder, file_name, **options) as opened:
        return opened.size


def image_pixels(image: Image.Image, *, exif: Exif = "auto") -> Pixels:
    """Return an opened image as (H, W, 3) RGB; without "rotated" in `exif`, as it is stored."""
    turn = should_rotate(image, None, exif, False)
    path = Path(getattr(image, "filename", "") or "image")
    return _decode(image, path, turn, _orientation(image, turn))


def _orientation(image: Image.Image, turn: bool) -> int:
    """Read the orientation only where it matters: for a PNG it may lie behind all the pixels."""
    return orientation_of(image) if turn or image.format == "TIFF" else 1


def _decode(image: Image.Image, path: object, turn: bool, orientation: int) -> Pixels:
    try:
        image.load()
        return to_rgb(rotate(image, turn, orientation))
    except MemoryError:
        raise
    except Exception as error:  # damaged data makes a plugin raise almost anything
        raise ImageFault("image truncated or damaged", path, str(error)) from error
