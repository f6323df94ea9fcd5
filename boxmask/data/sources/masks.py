"""Masks as other formats write them, as COCO's run lengths: each becomes a box and a segmentation.

Bits are (h, w), rows first, of the pixels of a rectangle of the image; (x, y) is its first pixel
and `size` the (width, height) of the image. None stands for what is no mask of such an image.
"""

import base64
import io
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from boxmask.data.sources.origin import Json
from boxmask.data.sources.units import Corners, around, from_size
from boxmask.rle import MOST_PIXELS, encode
from boxmask.window import Window

Bits = npt.NDArray[np.bool_]
Size = tuple[int, int]


class SourceMask(NamedTuple):
    """A mask of a row: its box, and what of an annotation says it."""

    corners: Corners
    coco: Json  # segmentation and area


def source_mask(bits: Bits, x: int, y: int, size: Size) -> SourceMask | None:
    """Take the pixels of a rectangle; the box is that of the rectangle."""
    (height, width), (image_width, image_height) = bits.shape, size
    inside = 0 <= x <= image_width - width and 0 <= y <= image_height - height
    if not inside or image_width * image_height > MOST_PIXELS or not bits.any():
        return None
    counts = encode(Window(x, y, bits.T.copy()), width=image_width, height=image_height)
    rle = {"size": [image_height, image_width], "counts": counts.decode()}
    coco = {"segmentation": rle, "area": int(bits.sum())}
    return SourceMask(from_size(x, y, width, height), coco)


def tight_mask(bits: Bits, size: Size) -> SourceMask | None:
    """Take the pixels of a whole image; the box is the tight one."""
    rows, columns = np.flatnonzero(bits.any(axis=1)), np.flatnonzero(bits.any(axis=0))
    if not len(rows):
        return None
    x, y = int(columns[0]), int(rows[0])
    return source_mask(bits[y : rows[-1] + 1, x : columns[-1] + 1], x, y, size)


def bits_of_runs(runs: Sequence[float], width: int, height: int) -> Bits | None:
    """Fill a rectangle row by row from runs of background, foreground, background, ... pixels."""
    whole = all(run >= 0 and run == int(run) for run in runs if math.isfinite(run))
    if not whole or sum(runs) != width * height or width * height > MOST_PIXELS:
        return None
    counts = np.array(runs, np.int64)
    bits: Bits = (np.arange(len(counts)) % 2 == 1).repeat(counts).reshape(height, width)
    return bits


def runs_of_bits(bits: Bits) -> list[int]:
    """Count the runs of a rectangle row by row, those of background first."""
    flat = np.concatenate([[False], bits.ravel()])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    counts: list[int] = np.diff(np.concatenate([[0], edges, [bits.size]])).tolist()
    return counts


def bits_of_png(text: object, width: int, height: int) -> Bits | None:
    """Read a PNG in base 64 that has this size: all that is not 0 is inside."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(str(text))), formats=["PNG"]) as image:
            if image.size != (width, height):
                return None
            bits = np.asarray(image).astype(np.bool_)
    except MemoryError:
        raise
    except Exception:  # a broken PNG makes the decoder raise almost anything
        return None
    return bits if bits.ndim == 2 else None


def png_mask(text: object, corners: Sequence[float], size: Size) -> SourceMask | None:
    """Read a PNG in base 64 between two corners x, y, x, y, the last pixel inside being one."""
    if len(corners) != 4 or not all(0 <= side < max(size) for side in corners):
        return None
    x0, y0, x1, y1 = map(int, around(corners))
    bits = bits_of_png(text, x1 - x0 + 1, y1 - y0 + 1)
    return None if bits is None else source_mask(bits, x0, y0, size)


def png_of_bits(bits: Bits) -> str:
    """Write a PNG in base 64."""
    stream = io.BytesIO()
    Image.fromarray(bits).save(stream, "png")
    return base64.b64encode(stream.getvalue()).decode()
