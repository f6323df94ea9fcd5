"""What became of one annotation, and whether that was allowed."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from boxmask.check.values import OUR_KEYS, Values, encode_values, preview, same_value
from boxmask.data.forms.base import Size
from boxmask.data.forms.complete import without_mask
from boxmask.data.segmentation import is_filled
from boxmask.mark import Mark, Status, read_mark

_NULL = msgspec.Raw(b"null")
_MASK_KEYS = ("segmentation", "area")


class Verdict(NamedTuple):
    """The status of an annotation after a run, and what is wrong with it."""

    status: str  # a Status, or "" if it cannot be told
    problem: str = ""
    reason: str = ""  # why it was skipped
    box: msgspec.Raw | None = None  # the tight box of its mask, as it says
    given_box: msgspec.Raw | None = None  # the box that it had before its mask's took the place
    tightness: float = 0.0  # above 0 its mask may leave its box
    anywhere: bool = False  # a person made its mask, wherever that lies
    outlined: bool = False  # its polygons are off by a tolerance


# Statuses of a mask that is held against its image and its boxes.
MASKED = (Status.OK, Status.CORRECTED, Status.DRAWN)


def judge(
    ours: Values, theirs: Values, *, crowd: bool, masked: bool, left: bool, size: Size | None
) -> Verdict:
    """Judge one annotation; `masked` if the input had a segmentation, `crowd` if it is one.

    `left` if it was not to be annotated; a review may change also those. `size` is that of its
    image, if it is known.
    """
    if left and not was_reviewed(theirs):
        changed = _changed_without_mask(ours, theirs, size)
        return _as_it_was(Status.LEFT, "was to be left as it is", changed)
    if crowd or masked:
        changed = _changed(ours, theirs)
        if crowd:
            return _as_it_was(Status.CROWD, "is a crowd", changed)
        if not changed or "boxmask" not in theirs:
            return _as_it_was(Status.KEPT, "had a mask already", changed)
    if "boxmask" not in theirs:
        return Verdict("", 'has neither a mask of ours nor a reason: "boxmask" is missing')
    mark = read_mark(theirs["boxmask"])
    if mark is None or not mark.status:
        return Verdict("", f'"boxmask" is {preview(theirs["boxmask"])}, which is no result')
    if mark.status == Status.SKIPPED:
        return _skipped(mark, _changed_without_mask(ours, theirs, size, _MASK_KEYS))
    if mark.status == Status.KEPT and mark.review and masked:
        return _as_it_was(Status.KEPT, "had a mask already", _changed(ours, theirs, _MASK_KEYS))
    if mark.status == Status.REJECTED:
        return _rejected(theirs)
    if mark.status == Status.CORRECTED:
        return corrected(mark)
    if mark.status != Status.OK:
        return Verdict("", f'"boxmask" has the status {mark.status!r}, which is none of ours')
    return _made(mark)


def _as_it_was(status: Status, what: str, changed: Sequence[str]) -> Verdict:
    """Judge what was to stay as it is, by the keys that differ."""
    return Verdict(status, f'{what}, but its "{changed[0]}" differs' if changed else "")


def _made(mark: Mark) -> Verdict:
    """Judge a new mask by what is said of it."""
    problem = ""
    if mark.predicted_iou is None or not 0 <= mark.predicted_iou <= 1:
        problem = f"the predicted IoU is {mark.predicted_iou}, not within 0 and 1"
    return Verdict(
        Status.OK,
        problem,
        box=mark.box or None,
        given_box=mark.given_box or None,
        tightness=mark.tightness or 0.0,
        outlined=mark.outline_iou is not UNSET,
    )


def was_reviewed(theirs: Values) -> bool:
    """Tell whether a person has judged an annotation."""
    mark = read_mark(theirs.get("boxmask", _NULL))
    reviewed = (Status.REJECTED, Status.CORRECTED)
    return mark is not None and (bool(mark.review) or mark.status in reviewed)


def corrected(mark: Mark, status: Status = Status.CORRECTED) -> Verdict:
    """Judge a mask that a person made: it may lie anywhere in its image."""
    return Verdict(status, box=mark.box or None, given_box=mark.given_box or None, anywhere=True)


def _rejected(theirs: Values) -> Verdict:
    problem = "was rejected, but still has a mask" if has_mask(theirs) else ""
    return Verdict(Status.REJECTED, problem)


def has_mask(values: Values) -> bool:
    """Tell whether a record has a segmentation that holds anything."""
    return is_filled(values.get("segmentation", _NULL))


def _changed(ours: Values, theirs: Values, keys: Sequence[str] = OUR_KEYS) -> list[str]:
    return [key for key in keys if not same_value(ours.get(key), theirs.get(key))]


def _changed_without_mask(
    ours: Values, theirs: Values, size: Size | None, keys: Sequence[str] = OUR_KEYS
) -> list[str]:
    """List the keys that have changed, but for the empty mask that one without a mask may get."""
    emptied = encode_values(without_mask(ours, size))
    return min(_changed(ours, theirs, keys), _changed(emptied, theirs, keys), key=len)


def _skipped(mark: Mark, changed: list[str]) -> Verdict:
    problem = "" if mark.reason else "was skipped without a reason"
    if changed:
        problem = f'was skipped, but its "{changed[0]}" differs'
    return Verdict(Status.SKIPPED, problem, mark.reason)
