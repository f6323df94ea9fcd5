"""The boundary of a mask, as boundary IoU (Cheng et al., 2021) has it: a band inside its outline.

Shapes: h w a window that holds both masks; what lies outside the window is background.
"""

import math

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]

DILATION_RATIO = 0.02  # of the image's diagonal, as in the paper


def band_width(width: int, height: int) -> int:
    """Return how many pixels inside the outline count as boundary, for an image of this size."""
    return max(1, round(DILATION_RATIO * math.hypot(width, height)))


def boundary(bits: BoolArray, band: int) -> BoolArray:
    """Return the pixels of a mask (h, w) within `band` of its outline or of the window's edge."""
    side = 2 * band + 1
    if min(bits.shape) < side:
        return bits
    inner = _all_within(_all_within(bits, side).T, side).T
    outline = bits.copy()
    outline[band:-band, band:-band] &= ~inner
    return outline


def _all_within(bits: BoolArray, span: int) -> BoolArray:
    """Return (h - span + 1, w): whether all of each run of `span` rows is set."""
    reached = 1
    while reached < span:
        # Doubling costs log2(span) passes, where eroding pixel by pixel costs span of them.
        step = min(reached, span - reached)
        bits = bits[:-step] & bits[step:]
        reached += step
    return bits
