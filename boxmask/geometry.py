"""Where boxes, masks and pixels meet: training target and paste; models/crop.py is the third.

Letters: H W an image's size, M mask side, w h a window's size. All three operators share one
convention, aligned corners: of n pixels along a side, pixel k lies at the fraction k / (n - 1), and
of the M samples across a box, the first and last lie on its corners. Pixel boxes are
(x0, y0, x1, y1) in the COCO convention.

Masks that span a frame, the window of a view, have a plainer one, that of images: the frame is
cut into M x M cells, a cell's value holds at its middle, and pixel k lies at k + 1/2.
"""

import math

import numpy as np
import numpy.typing as npt

from boxmask.rle import Box, IntArray, edge_runs, runs_window
from boxmask.window import Window

Bits = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]

# Narrower boxes, in fractions of the image, are pasted as if they were this wide, as released.
NARROWEST = 1e-4


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


def sample_frame(
    bits: npt.NDArray[np.bool_], origin: tuple[int, int], *, frame: Box, size: int
) -> npt.NDArray[np.float32]:
    """Sample a soft (M, M) target at the middles of a frame's cells, from bits as `sample_target`.

    The frame may leave the image.
    """
    x0, y0, x1, y1 = (float(side) for side in frame)
    middles = (np.arange(size) + 0.5) / size
    columns, across = _between(x0 + (x1 - x0) * middles - 0.5, origin[0], bits.shape[1])
    rows, down = _between(y0 + (y1 - y0) * middles - 0.5, origin[1], bits.shape[0])
    weighted = bits[rows[:, None], columns] * (down[:, None] * across)
    target: Floats = weighted.reshape(2, size, 2, size).sum(axis=(0, 2))
    return target.astype(np.float32)


def _neighbours(
    low: float, high: float, extent: int, size: int, origin: int, length: int
) -> tuple[Places, Floats]:
    """For the samples across one side of a box: both neighbours in the window, and weights."""
    fractions = low / extent + (high - low) / extent * np.arange(size) / (size - 1)
    return _between(fractions * (extent - 1), origin, length)


def _between(at: Floats, origin: int, length: int) -> tuple[Places, Floats]:
    """For samples at pixels (M,), not all whole: both neighbours in the window, and their weights.

    Each is (2M,), all the lower neighbours before all the upper ones.
    """
    below = np.floor(at)
    share = at - below
    places = np.concatenate([below, below + 1]).astype(np.intp) - origin
    weights = np.concatenate([1 - share, share])
    weights[(places < 0) | (places >= length)] = 0
    return places.clip(0, length - 1), weights


def paste(probability: npt.NDArray[np.float32], box: Box, *, width: int, height: int) -> Window:
    """Paste a mask (M, M) as `paste_runs` does, as the bits of a window around its box."""
    counts = paste_runs(probability, box, width=width, height=height)
    return runs_window(counts, width=width, height=height, box=box)


def paste_runs(
    probability: npt.NDArray[np.float32], box: Box, *, width: int, height: int
) -> IntArray:
    """Resample a mask (M, M) at the pixels of its box, clipped to the image, and cut it at 0.5.

    Returns the runs of the mask in the whole image. It is never empty: where no pixel passes, it is
    the one pixel under the centre of the box.
    """
    x0, y0, x1, y1 = clip_to_image(box, width, height)
    x, across = pixel_positions(x0, x1, extent=width, side=len(probability))
    y, down = pixel_positions(y0, y1, extent=height, side=len(probability))
    return _runs(probability, (x, across), (y, down), box=(x0, y0, x1, y1), size=(width, height))


def paste_frame_runs(
    probability: npt.NDArray[np.float32], frame: Box, *, clip: Box, width: int, height: int
) -> IntArray:
    """Resample a mask (M, M) that spans a frame at the pixels of a box `clip`, and cut it at 0.5.

    Returns the runs in the whole image. Of frame and clip, only what is inside the image counts. It
    is never empty: where no pixel passes, it is the one pixel under the centre of the clip.
    """
    x0, y0, x1, y1 = clip_to_image(clip, width, height)
    side = len(probability)
    x = frame_pixels(float(frame[0]), float(frame[2]), x0, x1, extent=width, side=side)
    y = frame_pixels(float(frame[1]), float(frame[3]), y0, y1, extent=height, side=side)
    return _runs(probability, x, y, box=(x0, y0, x1, y1), size=(width, height))


def clip_to_image(box: Box, width: int, height: int) -> tuple[float, float, float, float]:
    """Return the part of a box that lies in the image."""
    x0, y0, x1, y1 = (float(side) for side in box)
    return max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height))


def frame_pixels(
    start: float, stop: float, low: float, high: float, *, extent: int, side: int
) -> tuple[int, Floats]:
    """Find the pixels whose middles lie between low and high: the first one, and where each lies
    among the M cells of a frame from start to stop; beyond the middle of its last cell, a frame
    goes on with that. Where no pixel's middle lies between them, it is the pixel under theirs."""
    first, last = max(math.ceil(low - 0.5), 0), min(math.floor(high - 0.5), extent - 1)
    if first > last:
        first = last = pixel_under(low, high, extent)
    middles = np.arange(first, last + 1) + 0.5
    at = (middles - start) / (stop - start) * side - 0.5
    return first, at.clip(0, side - 1)


def _runs(
    probability: npt.NDArray[np.float32],
    x: tuple[int, Floats],
    y: tuple[int, Floats],
    *,
    box: tuple[float, float, float, float],
    size: tuple[int, int],
) -> IntArray:
    """Cut a mask at pixels, each axis as its first one and where they lie among the M samples."""
    (width, height), (x0, y0, x1, y1) = size, box
    column, row = _edges(_columns(probability, x[1]), y[1])
    if len(column):
        edges = (column + x[0]) * height + (row + y[0])
    else:
        middle = pixel_under(x0, x1, width) * height + pixel_under(y0, y1, height)
        edges = np.array([middle, middle + 1])
    return edge_runs(edges, size=width * height)


def pixel_positions(low: float, high: float, *, extent: int, side: int) -> tuple[int, Floats]:
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
    return pixel_under(low, high, extent), np.array([(side - 1) / 2])


def pixel_under(low: float, high: float, extent: int) -> int:
    """Return the pixel that the middle between two places lies in, or the nearest."""
    return max(min(int((low + high) / 2), extent - 1), 0)


def _columns(probability: npt.NDArray[np.float32], across: Floats) -> Floats:
    """Interpolate (M, M) at the columns of a box: (w, M)."""
    cell, share = cell_and_share(across, len(probability))
    source = np.ascontiguousarray(probability.T, dtype=np.float64)
    return lerp(
        source.take(cell, axis=0), (source[1:] - source[:-1]).take(cell, axis=0), share[:, None]
    )


def _edges(columns: Floats, down: Floats) -> tuple[Places, Places]:
    """Find where columns (w, M) cross 0.5 at the rows of a box: column and row of each edge.

    The values between two samples rise or fall steadily, so the first and the last row between them
    tell whether there is an edge, and halving finds it. That spares most pixels of a large box.
    """
    cell, share = cell_and_share(down, columns.shape[1])
    telling = np.ones(len(down), dtype=np.bool_)
    telling[1:-1] = (cell[1:-1] != cell[:-2]) | (cell[1:-1] != cell[2:])
    rows = np.flatnonzero(telling)
    steps = columns[:, 1:] - columns[:, :-1]
    values = lerp(columns.take(cell[rows], axis=1), steps.take(cell[rows], axis=1), share[rows])
    # Background before each column and after the last ends every run with its column.
    bits = np.zeros(values.size + len(values) + 1, dtype=np.bool_)
    np.greater(values, 0.5, out=bits[:-1].reshape(len(values), -1)[:, 1:])
    changes = np.flatnonzero(bits[1:] != bits[:-1])
    column, place = np.divmod(changes, len(rows) + 1)
    rows = np.concatenate([[-1], rows, [len(down)]])
    before, after = rows[place], rows[place + 1]
    wide = np.flatnonzero(after - before > 1)
    if len(wide):
        at = column[wide], cell[before[wide]]
        after[wide] = _halve(
            before[wide], after[wide], bits[changes[wide] + 1], columns[at], steps[at], share
        )
    return column, after


def _halve(
    before: Places, after: Places, bit: Bits, start: Floats, step: Floats, share: Floats
) -> Places:
    """Narrow down each edge, all between two samples: the first row that has the bit after it."""
    while (after - before).max() > 1:
        middle = (before + after) >> 1
        passed = (lerp(start, step, share[middle]) > 0.5) == bit
        before, after = np.where(passed, before, middle), np.where(passed, middle, after)
    return after


def lerp(start: Floats, step: Floats, share: Floats) -> Floats:
    """Interpolate between values and those a step further."""
    return start + step * share


def cell_and_share(at: Floats, side: int) -> tuple[Places, Floats]:
    """Split positions among M samples into the sample before and the share of the next."""
    cell = np.minimum(at.astype(np.intp), side - 2)
    return cell, at - cell
