"""The one place where boxes, maps and pixels meet: crop, training target, and paste.

Letters: V maps, C channels, H W their size, N boxes, R crop side, M mask side, w h a window's size.
All three operators share one convention, aligned corners: of n pixels along a side, pixel k lies at
the fraction k / (n - 1), and of the M samples across a box, the first and last lie on its corners.
Pixel boxes are (x0, y0, x1, y1) in the COCO convention; boxes of `crop` are the same in fractions.
"""

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torchvision.ops import roi_align

from boxmask.window import Window

Box = npt.NDArray[np.floating] | tuple[float, float, float, float]
Floats = npt.NDArray[np.float64]

# Narrower boxes, in fractions of the image, are pasted as if they were this wide (deepmac.md 6.3).
NARROWEST = 1e-4
# Pixels that `paste` interpolates at a time.
BLOCK = 1 << 15


def crop(maps: Tensor, boxes: Tensor, *, index: Tensor, size: int) -> Tensor:
    """Sample each box from its map: (V, C, H, W) and (N, 4) in fractions give (N, C, R, R).

    `index` (N,) says which map a box lies on. Outside its map the value is 0. Gradients flow to the
    maps. Equal to `grid_sample` with aligned corners, but no map is copied once per box.
    """
    height, width = maps.shape[-2:]
    # roi_align goes on with the border for a pixel around the map: make that border of zeros.
    framed = torch.nn.functional.pad(maps, (1, 1, 1, 1))
    extent = boxes.new_tensor([width - 1, height - 1, width - 1, height - 1])
    corners = (boxes * extent + 1).float()
    first, last = corners[:, :2], corners[:, 2:]
    # roi_align samples the middles of R bins: place the bins so that the middles are our samples.
    bins = (last - first) / (size - 1)
    corner = first - bins / 2 + 0.5
    rois = torch.cat([index[:, None].float(), corner, corner + size * bins], dim=1)
    crops: Tensor = roi_align(framed.float(), rois, size, sampling_ratio=1, aligned=True)
    return crops.to(maps.dtype)


def sample_target(
    bits: npt.NDArray[np.bool_] | npt.NDArray[np.uint8],
    origin: tuple[int, int],
    *,
    box: Box,
    width: int,
    height: int,
    size: int,
) -> npt.NDArray[np.float32]:
    """Crop a soft (M, M) target from the bits (h, w) of a mask, by the same operator as `crop`.

    The bits are those of the window whose corner lies at pixel `origin` (x, y) of a width x height
    image; the mask is 0 outside it.
    """
    x0, y0, x1, y1 = (float(side) for side in box)
    columns, across = _neighbours(x0, x1, width, size, origin[0], bits.shape[1])
    rows, down = _neighbours(y0, y1, height, size, origin[1], bits.shape[0])
    weighted = bits[rows[:, None], columns] * (down[:, None] * across)
    target: Floats = weighted.reshape(2, size, 2, size).sum(axis=(0, 2))
    return target.astype(np.float32)


def _neighbours(
    low: float, high: float, extent: int, size: int, origin: int, length: int
) -> tuple[npt.NDArray[np.intp], Floats]:
    """For the samples across one side of a box: both neighbours in the window, and their weights.

    Each is (2M,), all the lower neighbours before all the upper ones.
    """
    fractions = low / extent + (high - low) / extent * np.arange(size) / (size - 1)
    at = fractions * (extent - 1)
    below = np.floor(at)
    share = at - below
    places = np.concatenate([below, below + 1]).astype(np.intp) - origin
    weights = np.concatenate([1 - share, share])
    weights[(places < 0) | (places >= length)] = 0
    return places.clip(0, length - 1), weights


def paste(probability: npt.NDArray[np.float32], box: Box, *, width: int, height: int) -> Window:
    """Resample a mask (M, M) at the pixels of its box, clipped to the image, and cut it at 0.5.

    Never empty: where no pixel passes, the mask is the one pixel under the centre of the box.
    """
    x0, y0, x1, y1 = (float(side) for side in box)
    x0, x1 = max(x0, 0.0), min(x1, float(width))
    y0, y1 = max(y0, 0.0), min(y1, float(height))
    x, across = _pixels(x0, x1, width, len(probability))
    y, down = _pixels(y0, y1, height, len(probability))
    bits = _resample(probability, across, down)
    if bits.any():
        return Window(x, y, bits)
    return Window(_centre(x0, x1, width), _centre(y0, y1, height), np.ones((1, 1), dtype=np.bool_))


def _centre(low: float, high: float, extent: int) -> int:
    return max(min(int((low + high) / 2), extent - 1), 0)


def _pixels(low: float, high: float, extent: int, side: int) -> tuple[int, Floats]:
    """Find the pixels along a side of a box: the first one, and where each lies among M samples."""
    if extent > 1:
        start, span = low / extent, max(high / extent - low / extent, NARROWEST)
        before = math.floor(start * (extent - 1))
        after = min(math.ceil((start + span) * (extent - 1)) + 1, extent)
        at = (side - 1) * (np.arange(before, after) / (extent - 1) - start) / span
        first, last = at.searchsorted(0.0), at.searchsorted(side - 1, side="right")
        if first < last:
            return before + int(first), at[first:last]
    # No pixel's fraction falls in the box: the pixel under its centre takes its middle.
    return _centre(low, high, extent), np.array([(side - 1) / 2])


def _resample(
    probability: npt.NDArray[np.float32], across: Floats, down: Floats
) -> npt.NDArray[np.bool_]:
    """Interpolate (M, M) at len(across) columns and len(down) rows; the bits, columns first."""
    column, share = _cells(across, len(probability))
    lines = _interpolate(probability.T.astype(np.float64), column, share[:, None], axis=0)
    row, share = _cells(down, len(probability))
    bits = np.empty((len(across), len(down)), dtype=np.bool_)
    # A few columns at a time stay in the cache, which matters for boxes of megapixels.
    step = max(1, BLOCK // len(down))
    for start in range(0, len(across), step):
        block = _interpolate(lines[start : start + step], row, share, axis=1)
        np.greater(block, 0.5, out=bits[start : start + step])
    return bits


def _cells(at: Floats, side: int) -> tuple[npt.NDArray[np.intp], Floats]:
    """Split positions among M samples into the sample before and the share of the next."""
    cell = np.minimum(at.astype(np.intp), side - 2)
    return cell, at - cell


def _interpolate(values: Floats, cell: npt.NDArray[np.intp], share: Floats, *, axis: int) -> Floats:
    steps = values[1:] - values[:-1] if axis == 0 else values[:, 1:] - values[:, :-1]
    between = steps.take(cell, axis=axis)
    between *= share
    between += values.take(cell, axis=axis)
    return between
