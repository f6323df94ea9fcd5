"""Whether a mask of ours is one: readable, as large as its image, inside its box, as large as said.

Shapes: K masks. A box is (x0, y0, x1, y1), pixels in the COCO convention.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from boxmask.check.rle_batch import measure_rles
from boxmask.check.values import Values, number_of
from boxmask.check.verdict import Verdict
from boxmask.dataset import IntArray
from boxmask.errors import InputError
from boxmask.rle import compress, segmentation_runs
from boxmask.unreadable import UNREADABLE


class Claim(NamedTuple):
    """What an annotation says about its mask, still as JSON, and what it is checked against."""

    row: int
    segmentation: msgspec.Raw
    area: msgspec.Raw
    width: int  # of the image, 0 if nobody knows
    height: int
    tight: Mapping[str, msgspec.Raw] = {}  # boxes by their keys, that must be the mask's own
    may_leave: bool = False  # its box, which was said to be loose
    anywhere: bool = False  # in the image, since a person made it
    outlined: bool = False  # by polygons that are off by a tolerance


def claim_of(row: int, theirs: Values, found: Verdict, width: int, height: int) -> Claim:
    """Return what an annotation that was found to be so says of its mask."""
    boxes = {"box": found.box}
    if found.given_box is not None:
        boxes["bbox"] = theirs.get("bbox", _NULL)
    return Claim(
        row,
        theirs.get("segmentation", _NULL),
        theirs.get("area", _NULL),
        width,
        height,
        {name: box for name, box in boxes.items() if box is not None},
        may_leave=found.tightness > 0,
        anywhere=found.anywhere,
        outlined=found.outlined,
    )


class _Runs(msgspec.Struct):
    size: tuple[int, int]
    counts: str


_RUNS = msgspec.json.Decoder(_Runs)
_NULL = msgspec.Raw(b"null")
# Sides of a loose box that its mask may go beyond it, more than any network of ours can see.
REACH = 1.0
_TIGHT = msgspec.json.Decoder(tuple[int, int, int, int])


def mask_faults(
    claims: Sequence[Claim], boxes: npt.NDArray[np.float64]
) -> Iterator[tuple[int, str]]:
    """Yield (row, what is wrong) for each of K claims that does not hold for its box (K, 4)."""
    readable, strings = [], []
    for place, claim in enumerate(claims):
        try:
            strings.append(_compressed(claim))
            readable.append(place)
        except InputError as error:
            yield claim.row, str(error)
    if readable:
        held = [claims[place] for place in readable]
        yield from _measured_faults(held, strings, boxes[readable])


def _measured_faults(
    claims: Sequence[Claim], strings: Sequence[bytes], boxes: npt.NDArray[np.float64]
) -> Iterator[tuple[int, str]]:
    heights = np.array([claim.height for claim in claims], np.int64)
    widths = np.array([claim.width for claim in claims], np.int64)
    anywhere = np.array([claim.anywhere for claim in claims], np.bool_)
    unboxed = ~np.isfinite(boxes).all(axis=1) & ~anywhere
    found = measure_rles(strings, heights)
    loose = np.array([claim.may_leave for claim in claims], np.bool_)
    windows = _pixel_windows(_around(np.nan_to_num(boxes), loose), widths, heights)
    outside = (found.boxes[:, :2] < windows[:, :2]) | (found.boxes[:, 2:] > windows[:, 2:])
    wrong = {
        "has a mask, but its box cannot be used": unboxed,
        "its run lengths are broken": found.broken,
        "its run lengths are not those of its image": found.total != widths * heights,
        "its mask is empty": found.area == 0,
        "its mask leaves its box": outside.any(axis=1) & ~anywhere,
        '"area" is not the number of its mask\'s pixels': found.area != _areas(claims),
        '"box" is not the tight box of its mask': _loose("box", claims, found.boxes),
        '"bbox" is not the tight box of its mask': _loose("bbox", claims, found.boxes),
    }
    seen = np.zeros(len(claims), np.bool_)
    for problem, flags in wrong.items():
        for place in np.flatnonzero(flags & ~seen).tolist():
            yield claims[place].row, problem
        seen |= flags


def _around(
    boxes: npt.NDArray[np.float64], loose: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Grow the boxes (K, 4) that are loose (K,) by as much as a mask may leave them."""
    reach = REACH * np.maximum(boxes[:, 2:] - boxes[:, :2], 1) * loose[:, None]
    return np.hstack([boxes[:, :2] - reach, boxes[:, 2:] + reach])


def _pixel_windows(boxes: npt.NDArray[np.float64], widths: IntArray, heights: IntArray) -> IntArray:
    """Return the pixels that boxes (K, 4) touch inside their images, at least one each (K, 4)."""
    limits = np.stack([widths, heights], axis=1)
    low = np.clip(np.floor(boxes[:, :2]), 0, limits - 1)
    high = np.clip(np.ceil(boxes[:, 2:]), low + 1, limits)
    return np.hstack([low, high]).astype(np.int64)


def _compressed(claim: Claim) -> bytes:
    """Return a mask as compressed run lengths; InputError if it is no mask of its image."""
    if not (claim.width and claim.height):
        raise InputError("has a mask, but the size of its image is unknown")
    try:
        runs = _RUNS.decode(claim.segmentation)
    except UNREADABLE:
        return _from_other_form(claim)
    if runs.size != (claim.height, claim.width):
        size = f"{runs.size[0]} x {runs.size[1]}"
        raise InputError(
            f"its mask is {size} (height x width), its image {claim.height} x {claim.width}"
        )
    return runs.counts.encode()


def _from_other_form(claim: Claim) -> bytes:
    try:
        segmentation = msgspec.json.decode(claim.segmentation)
    except UNREADABLE as error:
        raise InputError(f"its mask cannot be read: {error}") from error
    width, height = claim.width, claim.height
    counts = segmentation_runs(segmentation, width=width, height=height)
    return compress(counts, width=width, height=height)


def _areas(claims: Sequence[Claim]) -> npt.NDArray[np.float64]:
    return np.array([number_of(claim.area) for claim in claims])


def _loose(key: str, claims: Sequence[Claim], tight: IntArray) -> npt.NDArray[np.bool_]:
    """Tell which claims (K,) hold under a key a box that is not [x, y, w, h] of tight (K, 4)."""
    loose = np.zeros(len(claims), np.bool_)
    for place, claim in enumerate(claims):
        if key in claim.tight:
            x0, y0, x1, y1 = tight[place].tolist()
            loose[place] = _tight(claim.tight[key]) != (x0, y0, x1 - x0, y1 - y0)
    return loose


def _tight(value: msgspec.Raw) -> tuple[int, int, int, int] | None:
    try:
        return _TIGHT.decode(value)
    except UNREADABLE:
        return None
