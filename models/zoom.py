"""Zoom's views: each box with some context, cut from the image and warped to one size.

Shapes: V views, one a box, Z their side, H W the image. Boxes are (x0, y0, x1, y1) in pixels of the
image, COCO convention; those of turned boxes are in frames of their own (boxmask/turned.py).
Positions are in continuous pixels: pixel k covers k to k + 1.
"""

import threading
from collections import Counter

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Factors = tuple[int, int]  # x, y

HALF = (2, 2)
# What a view shows beyond the image: mid-grey, which is 0 to the light backbones.
PADDING_GREY = 127


class ImagePyramid:
    """An image and its reductions by powers of two, per axis; safe to be used by many threads.

    A view of a large box is resampled from a reduction that is still at least as fine as the view.
    Those of both axes are made from the half of the image. Of a reduction only what views look at
    is made, until that would cost more than the whole of it: so few boxes cost what they cover, and
    many no more than the image.

    Where the image is there only as a reduction by `reduced`, with sides rounded up, `shape` is
    (H,W,3) of the whole one, and finer reductions must not be asked for (`reduction_for`).
    """

    def __init__(
        self, image: Pixels, *, reduced: int = 1, shape: tuple[int, ...] | None = None
    ) -> None:
        self.image = image
        self.shape = image.shape if shape is None else shape
        self._reduced = reduced
        self._levels: dict[Factors, Pixels] = {(1, 1): image}
        self._looked_at: Counter[Factors] = Counter()  # pixels of the image, for want of a level
        self._pictures: dict[int, Image.Image] = {}
        self._lock = threading.Lock()

    @classmethod
    def of(cls, image: "Pixels | ImagePyramid") -> "ImagePyramid":
        """Return the pyramid of an image, or what is one."""
        return image if isinstance(image, ImagePyramid) else cls(image)

    def patch(self, factors: Factors, left: int, top: int, right: int, bottom: int) -> Pixels:
        """Return a rectangle of the image with blocks of (x, y) pixels averaged.

        It is in blocks, and may lie partly or wholly outside the image.
        """
        factors = (factors[0] // self._reduced, factors[1] // self._reduced)
        sides = self.image.shape[:2]
        height, width = (-(-n // by) for n, by in zip(sides, factors[::-1], strict=True))
        columns = slice(max(left, 0), max(min(right, width), 0))
        rows = slice(max(top, 0), max(min(bottom, height), 0))
        inside = self._inside(factors, rows, columns)
        if inside.shape[:2] == (bottom - top, right - left):
            return np.ascontiguousarray(inside)
        patch = np.full((bottom - top, right - left, 3), PADDING_GREY, dtype=np.uint8)
        down, across = max(-top, 0), max(-left, 0)
        patch[down : down + inside.shape[0], across : across + inside.shape[1]] = inside
        return patch

    def picture(self, factor: int) -> Image.Image:
        """Return the image reduced by a factor in PIL's form, to be turned."""
        factor //= self._reduced
        with self._lock:
            if factor not in self._pictures:
                self._pictures[factor] = _reduced(*self._parent((factor, factor)))
            return self._pictures[factor]

    def _inside(self, factors: Factors, rows: slice, columns: slice) -> Pixels:
        """Return a rectangle that lies in a level."""
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return self.image[:0, :0]
        area = (rows.stop - rows.start) * (columns.stop - columns.start)
        with self._lock:
            self._look_at(factors, area * factors[0] * factors[1])
            level = self._levels.get(factors)
            parent, steps = self._parent(factors)
        if level is not None:
            return level[rows, columns]
        across, down = np.prod(steps, axis=0).tolist()
        part = parent[
            rows.start * down : rows.stop * down, columns.start * across : columns.stop * across
        ]
        return np.asarray(_reduced(part, steps))

    def _look_at(self, factors: Factors, pixels: int) -> None:
        """Make a level, or its half, before more pixels are reduced for it than the image has."""
        for level in (HALF, factors) if min(factors) > 1 else (factors,):
            if level not in self._levels:
                self._looked_at[level] += pixels
                if self._looked_at[level] > self.image.shape[0] * self.image.shape[1]:
                    # PIL's copy is larger than the image: it is not kept.
                    self._levels[level] = np.asarray(_reduced(*self._parent(level)))

    def _parent(self, factors: Factors) -> tuple[Pixels, list[Factors]]:
        """Return what a level is made from, and by which factors after each other."""
        if min(factors) == 1 or factors == HALF:
            return self.image, [factors]
        rest = (factors[0] // 2, factors[1] // 2)
        half = self._levels.get(HALF)
        return (self.image, [HALF, rest]) if half is None else (half, [rest])


def _reduced(pixels: Pixels, steps: list[Factors]) -> Image.Image:
    """Average blocks of pixels, by factors (x, y) after each other."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    for factors in steps:
        image = image.reduce(factors)
    return image


def cut_boxes(
    image: Pixels | ImagePyramid,
    boxes: Floats,
    windows: Floats,
    *,
    side: int,
    angles: Floats | None = None,
) -> tuple[Pixels, Floats]:
    """Cut each box's window (N,4) as a view (Z,Z,3); return them and the boxes (N,4) in fractions.

    Both are in pixels of the image, or of frames of these angles (N,); the fractions are of the
    views.
    """
    pyramid = ImagePyramid.of(image)
    angles = np.zeros(len(boxes)) if angles is None else angles
    views = np.empty((len(boxes), side, side, 3), dtype=np.uint8)
    for view, window, angle in zip(views, windows, angles.tolist(), strict=True):
        warped = (
            _warp_turned(pyramid, window, angle, side=side)
            if angle
            else _warp_window(pyramid, window, side=side)
        )
        view[:] = np.asarray(warped)
    height, width = image.shape[:2]
    return views, _boxes_in_views(boxes, windows, angles, width=width, height=height, side=side)


def reduction_for(windows: Floats, *, side: int) -> int:
    """Return by how much an image may be reduced before windows (N,4) are cut from it."""
    sizes = windows[:, 2:] - windows[:, :2]
    return min(_reduction(float(size.min()) / side) for size in sizes)


def windows_of(boxes: Floats, *, context: float) -> Floats:
    """Grow boxes (N,4) about their centres; a window is at least `context` pixels wide and high."""
    low, high = boxes[:, :2], boxes[:, 2:]
    centre, half = (low + high) / 2, np.maximum(high - low, 1) * (context / 2)
    return np.concatenate([centre - half, centre + half], axis=1)


def _boxes_in_views(
    boxes: Floats, windows: Floats, angles: Floats, *, width: int, height: int, side: int
) -> Floats:
    """Express boxes in fractions of their views, so that `crop` samples the same places
    of a view as it would of the image, to the sub-pixel.

    In both, a fraction f of n pixels is the middle of pixel f (n - 1); the warp between them maps
    window to view edge by edge. A frame has no size: of a turned box it is the corners themselves.
    """
    size = np.array([width, height, width, height])
    middles = np.where(angles[:, None] == 0, boxes * (size - 1) / size + 0.5, boxes)
    start, extent = windows[:, [0, 1, 0, 1]], (windows[:, 2:] - windows[:, :2])[:, [0, 1, 0, 1]]
    inside: Floats = ((middles - start) / extent * side - 0.5) / (side - 1)
    return inside


def _warp_window(pyramid: ImagePyramid, window: Floats, *, side: int) -> Image.Image:
    """Warp one window (4,) to (Z,Z,3): antialiased where it shrinks, smooth where it grows."""
    x0, y0, x1, y1 = window.tolist()
    factor_x, factor_y = (_reduction(length / side) for length in (x1 - x0, y1 - y0))
    x0, x1, y0, y1 = x0 / factor_x, x1 / factor_x, y0 / factor_y, y1 / factor_y
    left, right = _touched_pixels(x0, x1, side)
    top, bottom = _touched_pixels(y0, y1, side)
    patch = Image.fromarray(pyramid.patch((factor_x, factor_y), left, top, right, bottom))
    return patch.resize(
        (side, side), Image.Resampling.BILINEAR, box=(x0 - left, y0 - top, x1 - left, y1 - top)
    )


def _warp_turned(pyramid: ImagePyramid, window: Floats, angle: float, *, side: int) -> Image.Image:
    """Warp one window (4,) of a frame to (Z,Z,3), as `_warp_window` does one of the image.

    A side that shrinks is first sampled pixel by pixel, so that the resampling can average them;
    one that grows is sampled as it is wanted.
    """
    factor = _reduction(float((window[2:] - window[:2]).min()) / side)
    x0, y0, x1, y1 = (window / factor).tolist()
    left, across, columns = _samples(x0, x1, side)
    top, down, rows = _samples(y0, y1, side)
    cosine, sine = np.cos(angle), np.sin(angle)
    to_level = (
        *(cosine * across, -sine * down, cosine * left - sine * top),
        *(sine * across, cosine * down, sine * left + cosine * top),
    )
    patch = pyramid.picture(factor).transform(
        (columns, rows),
        Image.Transform.AFFINE,
        to_level,
        Image.Resampling.BILINEAR,
        fillcolor=(PADDING_GREY,) * 3,
    )
    start = ((x0 - left) / across, (y0 - top) / down)
    stop = (min((x1 - left) / across, columns), min((y1 - top) / down, rows))
    return patch.resize((side, side), Image.Resampling.BILINEAR, box=(*start, *stop))


def _samples(low: float, high: float, side: int) -> tuple[float, float, int]:
    """Place samples along a side of a window: where they begin, how far apart, and how many."""
    if high - low <= side:
        return low, (high - low) / side, side
    first, last = _touched_pixels(low, high, side)
    return first, 1.0, last - first


def _reduction(scale: float) -> int:
    """Return the largest power of two that leaves a scale of 1 or more."""
    return 1 << max(0, int(np.log2(scale)))


def _touched_pixels(low: float, high: float, side: int) -> tuple[int, int]:
    """Return the pixels that a window side touches, and those the resampling looks at around it."""
    margin = int(np.ceil(max(1.0, (high - low) / side)))
    return int(np.floor(low)) - margin, int(np.ceil(high)) + margin
