"""Many compressed run lengths measured at once, in numpy: a million masks take seconds.

Shapes: K strings, G groups of five bits (one character each), P numbers, all strings together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from boxmask.dataset import IntArray
from boxmask.rle import MOST_GROUPS

_MORE, _SIGN = 0x20, 0x10


@dataclass(frozen=True, eq=False)
class Measures:
    """What each of K strings says; the other columns mean nothing where `broken`."""

    broken: npt.NDArray[np.bool_]  # (K,) not run lengths at all
    total: IntArray  # (K,) pixels of the whole image
    area: IntArray  # (K,) pixels of the mask
    boxes: IntArray  # (K, 4) x0, y0, x1, y1 of the mask's pixels, all 0 if it has none


def measure_rles(strings: Sequence[bytes], heights: IntArray) -> Measures:
    """Measure K strings of masks that are `heights` (K,) pixels high."""
    owner, values, broken = _numbers(strings)
    place = np.arange(len(owner)) - _first(owner)
    for parity in (0, 1):
        # Each number but the first three is the difference to the one two places before.
        chain = np.flatnonzero((place % 2 == parity) & (place > 0))
        values[chain] = _running(values[chain], owner[chain])
    broken |= np.bincount(owner[values < 0], minlength=len(strings)) > 0
    ends = _running(values, owner)
    inked = np.flatnonzero((place % 2 == 1) & (values > 0))
    area = _sums(values[inked], owner[inked], len(strings))
    total = _sums(values, owner, len(strings))
    boxes = _tight_boxes(ends[inked] - values[inked], ends[inked] - 1, owner[inked], heights)
    return Measures(broken | (total == 0), total, area, boxes)


def _numbers(strings: Sequence[bytes]) -> tuple[IntArray, IntArray, npt.NDArray[np.bool_]]:
    """Read the numbers: owner (P,), value (P,), and which strings (K,) break the code."""
    lengths = np.array([len(text) for text in strings], np.int64)
    # The subtraction wraps, so that all wrong ones are big.
    groups = np.frombuffer(b"".join(strings), np.uint8) - 48
    of_group = np.repeat(np.arange(len(strings)), lengths)
    more = (groups & _MORE) != 0
    last = np.cumsum(lengths)[lengths > 0] - 1
    wrong = groups > 63
    wrong[last] |= more[last]
    more[last] = False  # a number that breaks off must not run into the next string
    ends = np.flatnonzero(~more)
    starts = np.r_[0, ends[:-1] + 1][: len(ends)]
    within = np.arange(len(groups)) - np.repeat(starts, ends - starts + 1)
    wrong |= within >= MOST_GROUPS
    shift = 5 * np.minimum(within, MOST_GROUPS - 1)
    parts = (groups & 0x1F).astype(np.int64) << shift
    values = np.add.reduceat(parts, starts) if len(starts) else parts
    negative = (groups[ends] & _SIGN) != 0
    values[negative] -= np.int64(32) << shift[ends[negative]]
    return of_group[ends], values, np.bincount(of_group[wrong], minlength=len(strings)) > 0


def _first(owner: IntArray) -> IntArray:
    """Return for each of the sorted owners (P,) where that owner begins."""
    begins = np.flatnonzero(np.diff(owner, prepend=-1))
    return np.repeat(begins, np.diff(begins, append=len(owner)))


def _running(values: IntArray, owner: IntArray) -> IntArray:
    """Sum up (P,) from the beginning of each owner's values."""
    sums: IntArray = np.cumsum(values)
    return sums - (sums - values)[_first(owner)]


def _sums(values: IntArray, owner: IntArray, owners: int) -> IntArray:
    sums = np.r_[0, np.cumsum(values)]
    border = np.searchsorted(owner, np.arange(owners + 1))
    totals: IntArray = sums[border[1:]] - sums[border[:-1]]
    return totals


def _tight_boxes(first: IntArray, last: IntArray, owner: IntArray, heights: IntArray) -> IntArray:
    """Bound the masks (K, 4) whose runs go from pixel `first` to `last`, column by column."""
    height = heights[owner]
    left, right = first // height, last // height
    # A run over the end of a column touches the bottom of one and the top of the next.
    spans = left != right
    top = np.where(spans, 0, first - left * height)
    bottom = np.where(spans, height - 1, last - right * height)
    begins = np.flatnonzero(np.diff(owner, prepend=-1))
    boxes = np.zeros((len(heights), 4), np.int64)
    if len(begins):
        low = np.minimum.reduceat(np.stack([left, top], axis=1), begins)
        high = np.maximum.reduceat(np.stack([right, bottom], axis=1), begins)
        boxes[owner[begins]] = np.hstack([low, high + 1])
    return boxes
