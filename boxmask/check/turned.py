"""Turned boxes of an output: each is the input's own, and its mask does not leave it.

A box is (x0, y0, x1, y1) in a frame of its own (boxmask/turned.py), in pixels.
"""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from boxmask.check.masks import REACH, Claim
from boxmask.check.values import Values, preview, same_value
from boxmask.data import frame_boxes
from boxmask.dataset import BoxDataset
from boxmask.mark import Status, read_mark
from boxmask.rle import segmentation_runs, tight_window
from boxmask.turned import Floats, to_frame, to_image

_NULL = msgspec.Raw(b"null")
_TOUCHED = 0.71  # pixels from the middle of one to its corner


def turned_problem(box: msgspec.Raw | UnsetType, ours: Values, theirs: Values) -> str:
    """Tell whether the mark of an annotation, where a run made it, has the box of the input."""
    mark = read_mark(theirs.get("boxmask", _NULL))
    if mark is None or (mark.turned_box is UNSET and mark.status != Status.OK):
        return ""
    if same_value(ours.get("boxmask"), theirs.get("boxmask")):
        return ""
    one, other = (_NULL if found is UNSET else found for found in (box, mark.turned_box))
    if same_value(one, other):
        return ""
    return f'"turned_box" is {preview(other)}, and the box {preview(one)}'


def leaving_turned(claims: Sequence[Claim], dataset: BoxDataset) -> Iterator[tuple[int, str]]:
    """Yield (row, what is wrong) for each claim whose mask leaves its turned box.

    Not for those that a person made, nor where outlines have a tolerance, nor for broken ones.
    """
    for claim in claims if dataset.turned is not None else ():
        if claim.anywhere or claim.outlined:
            continue
        boxes, angles = frame_boxes(dataset, np.array([claim.row]), claim.width, claim.height)
        if angles is not None and _leaves(claim, boxes[0], float(angles[0])):
            yield claim.row, "its mask leaves its turned box"


def _leaves(claim: Claim, box: Floats, angle: float) -> bool:
    """Tell whether a pixel of a mask does not touch its turned box, a loose one grown."""
    size = {"width": claim.width, "height": claim.height}
    window = tight_window(
        segmentation_runs(msgspec.json.decode(claim.segmentation), **size), **size
    )
    assert window is not None  # an empty mask was told of before
    pixels = np.argwhere(window.bits) + np.array([window.x, window.y]) + 0.5
    within = to_frame(pixels, angle)
    reach = _TOUCHED + REACH * np.maximum(box[2:] - box[:2], 1) * claim.may_leave
    out = ((within < box[:2] - reach) | (within > box[2:] + reach)).any(axis=1)
    if len(pixels) > 1:
        return bool(out.any())
    # A mask that would be empty is the pixel under the middle, or the one nearest in the image.
    middle = to_image((box[:2] + box[2:]) / 2, angle).clip(0, [claim.width, claim.height])
    return bool(out.any()) and bool((np.abs(pixels[0] - middle) > 1).any())
