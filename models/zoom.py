"""Zoom's views: each box with some context, cut from the image and warped to one size.

Shapes: V views, one a box, Z their side, H W the image. Boxes are (x0, y0, x1, y1) in pixels of the
image, COCO convention; those of turned boxes are in frames of their own (boxmask/turned.py).
Positions are in continuous pixels: pixel k covers k to k + 1.
"""

from functools import cached_property

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

# What a view shows beyond the image: mid-grey, which is 0 to the light backbones.
PADDING_GREY = 127


class ImagePyramid:
    """An image and its reductions by powers of two, per axis, each made when first asked for.

    A view of a large box is resampled from a reduction that is still at least as fine as the view,
    so that its cost is bounded by the view's size, whatever the image's.
    """

    def __init__(self, image: Pixels) -> None:
        self.image = image
        self.levels: dict[tuple[int, int], Pixels] = {(1, 1): image}
        self.pictures: dict[int, Image.Image] = {}

    @cached_property
    def _pil_image(self) -> Image.Image:
        """The image in PIL's form, for reducing."""
        return Image.fromarray(self.image)

    def level(self, factor_x: int, factor_y: int) -> Pixels:
        """Return the image with blocks of factor_y x factor_x pixels averaged."""
        key = (factor_x, factor_y)
        if key not in self.levels:
            self.levels[key] = np.asarray(self._pil_image.reduce(key))
        return self.levels[key]

    def picture(self, factor: int) -> Image.Image:
        """Return the level (factor, factor) in PIL's form, to be turned."""
        if factor not in self.pictures:
            self.pictures[factor] = self._pil_image.reduce(factor)
        return self.pictures[factor]


def cut_boxes(
    image: Pixels, boxes: Floats, windows: Floats, *, side: int, angles: Floats | None = None
) -> tuple[Pixels, Floats]:
    """Cut each box's window (N,4) as a view (Z,Z,3); return them and the boxes (N,4) in fractions.

    Both are in pixels of the image, or of frames of these angles (N,); the fractions are of the
    views.
    """
    pyramid = ImagePyramid(image)
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
    level = pyramid.level(factor_x, factor_y)
    x0, x1, y0, y1 = x0 / factor_x, x1 / factor_x, y0 / factor_y, y1 / factor_y
    left, right = _touched_pixels(x0, x1, side)
    top, bottom = _touched_pixels(y0, y1, side)
    patch = Image.fromarray(_padded(level, left, top, right, bottom))
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


def _padded(image: Pixels, left: int, top: int, right: int, bottom: int) -> Pixels:
    """Return the pixels of a rectangle that may lie partly or wholly outside the image."""
    height, width = image.shape[:2]
    if left >= 0 and top >= 0 and right <= width and bottom <= height:
        return np.ascontiguousarray(image[top:bottom, left:right])
    patch = np.full((bottom - top, right - left, 3), PADDING_GREY, dtype=np.uint8)
    inside = image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    down, across = max(-top, 0), max(-left, 0)
    patch[down : down + inside.shape[0], across : across + inside.shape[1]] = inside
    return patch
