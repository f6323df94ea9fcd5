"""Masks as the run lengths of COCO, written from a window and read into one.

Runs are counts of background, foreground, background, ... pixels in column-major order, the first
possibly 0. Written to JSON they are a string of five-bit groups, the same that pycocotools writes.
Boxes are (x0, y0, x1, y1), pixels in the COCO convention; w h is the size of a window.
"""

import math

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco

from boxmask.errors import InputError
from boxmask.window import Window

IntArray = npt.NDArray[np.int64]
Box = npt.NDArray[np.floating] | tuple[float, float, float, float]

# Five-bit groups of a run: 32 bits, the most that pycocotools holds, and a sign.
MOST_GROUPS = 7
# Pixels from the image's corner. pycocotools walks every pixel of an outline and would not return
# from a wild coordinate.
FARTHEST = 1e5
# Pixels along all outlines of one mask: pycocotools holds some 30 bytes of each, and does not look
# whether it was given them.
LONGEST_OUTLINE = 5_000_000
# Pixels of an image whose masks can be decoded: a mask as large as its image is held in memory.
MOST_PIXELS = 1 << 29


def encode(window: Window, *, width: int, height: int) -> bytes:
    """Write a window of a width x height image as COCO's compressed counts."""
    counts = runs(window, width=width, height=height)
    return compress(counts, width=width, height=height)


def compress(counts: IntArray, *, width: int, height: int) -> bytes:
    """Write runs as COCO's compressed counts, byte for byte as pycocotools does."""
    plain = {"counts": counts, "size": [height, width]}
    written: bytes = coco.frPyObjects(plain, height, width)["counts"]
    return written


def runs(window: Window, *, width: int, height: int) -> IntArray:
    """Count the runs of a window of a width x height image, touching only the window's pixels."""
    w, h = window.bits.shape
    # One background pixel before each column, so that no run goes on into the next.
    padded = np.zeros(w * (h + 1) + 1, dtype=np.bool_)
    padded[:-1].reshape(w, h + 1)[:, 1:] = window.bits
    column, row = np.divmod(np.flatnonzero(padded[1:] != padded[:-1]), h + 1)
    return edge_runs((column + window.x) * height + (row + window.y), size=width * height)


def edge_runs(edges: IntArray, *, size: int) -> IntArray:
    """Count the runs between edges, the places where the `size` pixels of a mask change.

    Two edges at one place, as where one full column ends and the next begins, are none.
    """
    twice = np.flatnonzero(edges[1:] == edges[:-1])
    if len(twice):
        edges = np.delete(edges, np.concatenate([twice, twice + 1]))
    ends = np.concatenate(([0], edges, [size]))
    counts = ends[1:] - ends[:-1]
    return counts if counts[-1] or len(counts) == 1 else counts[:-1]


def segmentation_runs(segmentation: object, *, width: int, height: int) -> IntArray:
    """Read any of COCO's three encodings, of a width x height image, as counts of runs."""
    if width * height > MOST_PIXELS:
        raise InputError(
            f"its image is said to be {width} x {height}, more than the {MOST_PIXELS} pixels of "
            "the largest one whose masks can be decoded"
        )
    if isinstance(segmentation, dict):
        return _dict_runs(segmentation, width, height)
    if isinstance(segmentation, list):
        return _rasterise(segmentation, width, height)
    found = type(segmentation).__name__
    raise InputError(f"segmentation is a {found}, it should be a list of polygons or an RLE object")


def decode_window(segmentation: object, *, width: int, height: int, box: Box) -> Window:
    """Read the part of a mask near a box, in any of COCO's encodings, as `runs_window` does."""
    counts = segmentation_runs(segmentation, width=width, height=height)
    return runs_window(counts, width=width, height=height, box=box)


def runs_window(counts: IntArray, *, width: int, height: int, box: Box) -> Window:
    """Fill the window near a box from runs, without ever holding the mask of the whole image.

    The window is one pixel wider on each side than the pixels that the box touches, within the
    image: a crop with aligned corners reads that far.
    """
    x0, y0, x1, y1 = (float(side) for side in box)
    x, y = max(math.floor(x0) - 1, 0), max(math.floor(y0) - 1, 0)
    w = max(min(math.ceil(x1) + 1, width) - x, 0)
    h = max(min(math.ceil(y1) + 1, height) - y, 0)
    column, row = np.divmod(counts.cumsum(), height)
    # How many pixels of the window come before each edge: this keeps the order of the edges, so
    # runs of the image become runs of the window.
    before = (column - x).clip(0, w) * h
    inside = (column >= x) & (column < x + w)
    before[inside] += (row[inside] - y).clip(0, h)
    foreground = np.arange(len(counts)) % 2 == 1
    return Window(x, y, foreground.repeat(np.diff(before, prepend=0)).reshape(w, h))


def tight_window(counts: IntArray, *, width: int, height: int) -> Window | None:
    """Fill the window around a whole mask, a pixel wider on each side, from runs; None if empty."""
    x, y, w, h = bounding_box(counts, height=height)
    box = (float(x), float(y), float(x + w), float(y + h))
    return runs_window(counts, width=width, height=height, box=box) if w else None


def area(counts: IntArray) -> int:
    """Count the pixels of a mask given as runs."""
    return int(counts[1::2].sum())


def bounding_box(counts: IntArray, *, height: int) -> tuple[int, int, int, int]:
    """Find the tight (x, y, w, h) of a mask given as runs; all 0 for an empty mask."""
    ends = counts.cumsum()
    filled = counts[1::2] > 0
    first = ends[: len(ends) - 1 : 2][filled]
    last = ends[1::2][filled] - 1
    if not len(first):
        return 0, 0, 0, 0
    left, right = int(first[0] // height), int(last[-1] // height)
    if (first // height != last // height).any():
        return left, 0, right - left + 1, height
    top, bottom = int((first % height).min()), int((last % height).max())
    return left, top, right - left + 1, bottom - top + 1


def _dict_runs(rle: dict[str, object], width: int, height: int) -> IntArray:
    size, counts = rle.get("size"), rle.get("counts")
    if size != [height, width]:
        raise InputError(
            f"segmentation has size {size}, the image is [{height}, {width}] (height, width)"
        )
    if isinstance(counts, str | bytes):
        return _checked(_parse(counts), width * height)
    if isinstance(counts, list):
        return _checked(_numbers(counts, "iu", "a counts").astype(np.int64), width * height)
    found = type(counts).__name__
    raise InputError(f"segmentation has counts of type {found}, they should be a string or a list")


def _checked(counts: IntArray, pixels: int) -> IntArray:
    if (counts < 0).any() or (counts > pixels).any() or counts.sum() != pixels:
        raise InputError(
            f"segmentation has counts that do not add up to the image's {pixels} pixels"
        )
    return counts


def _parse(counts: str | bytes) -> IntArray:
    """Read compressed counts: numbers of five-bit groups, from the third on less the last but one.

    In a group's byte, less 48, 0x20 says that the number goes on, and 0x10 of its last is the sign.
    """
    written = counts.encode(errors="replace") if isinstance(counts, str) else counts
    codes = np.frombuffer(written, dtype=np.uint8).astype(np.int64) - 48
    if not len(codes) or codes.min() < 0 or codes.max() > 63 or codes[-1] & 0x20:
        raise InputError("segmentation has counts that are not a whole compressed RLE string")
    last = np.flatnonzero(codes & 0x20 == 0)
    groups = np.diff(last, prepend=-1)
    if groups.max() > MOST_GROUPS:
        raise InputError("segmentation has a run of more than 32 bits in its counts")
    first = last - groups + 1
    place = np.arange(len(codes)) - first.repeat(groups)
    runs = np.add.reduceat((codes & 0x1F) << (5 * place), first)
    runs -= (codes[last] >> 4 & 1) << (5 * groups)
    runs[1::2] = runs[1::2].cumsum()
    runs[2::2] = runs[2::2].cumsum()
    return runs


def _rasterise(polygons: list[object], width: int, height: int) -> IntArray:
    """Unite polygons by pycocotools' own rule, which is what COCO means by them.

    It walks along the outline, so its cost does not grow with the image.
    """
    if not polygons:
        raise InputError("segmentation is empty")
    parts = [_polygon(polygon, f"polygon {k}") for k, polygon in enumerate(polygons)]
    length = sum(map(_outline_length, parts))
    if length > LONGEST_OUTLINE:
        raise InputError(
            f"segmentation has outlines of {length:.0f} pixels together, more than "
            f"{LONGEST_OUTLINE}; no object has such a polygon"
        )
    return _parse(coco.merge(coco.frPyObjects(parts, height, width))["counts"])


def _outline_length(points: npt.NDArray[np.float64]) -> float:
    """Return how many pixels pycocotools walks along a polygon x, y, x, y, ..."""
    corners = points.reshape(-1, 2)
    return float(abs(corners - np.roll(corners, 1, axis=0)).max(axis=1).sum())


def _polygon(values: object, name: str) -> npt.NDArray[np.float64]:
    points = _numbers(values, "iuf", name).astype(np.float64)
    if len(points) < 6 or len(points) % 2:
        raise InputError(
            f"segmentation has {name} of {len(points)} numbers, "
            "it should be x, y of 3 points or more"
        )
    if not (abs(points) < FARTHEST).all():
        raise InputError(
            f"segmentation has {name} with a coordinate that is not within {FARTHEST:.0f} pixels"
        )
    return points


def _numbers(values: object, kinds: str, name: str) -> npt.NDArray[np.int64 | np.float64]:
    try:
        numbers = np.asarray(values)
    except ValueError:
        numbers = np.empty(0, dtype=object)
    if numbers.ndim != 1 or numbers.dtype.kind not in kinds:
        wanted = "whole numbers" if kinds == "iu" else "numbers"
        raise InputError(f"segmentation has {name} that is not a flat list of {wanted}")
    return numbers
