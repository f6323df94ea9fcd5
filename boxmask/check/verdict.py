"""What became of one annotation, and whether that was allowed."""

from typing import NamedTuple

import msgspec

from boxmask.check.values import OUR_KEYS, Values, preview, same_value
from boxmask.mark import Mark, Status, read_mark


class Verdict(NamedTuple):
    """The status of an annotation after a run, and what is wrong with it."""

    status: str  # a Status, or "" if it cannot be told
    problem: str = ""
    reason: str = ""  # why it was skipped
    box: msgspec.Raw | None = None  # the tight box of its mask, as it says
    given_box: msgspec.Raw | None = None  # the box that it had before its mask's took the place
    tightness: float = 0.0  # above 0 its mask may leave its box


def judge(ours: Values, theirs: Values, *, crowd: bool, masked: bool, left: bool) -> Verdict:
    """Judge one annotation; `masked` if the input had a segmentation, `crowd` if it is one.

    `left` if it was not to be annotated.
    """
    if left:
        changed = _changed(ours, theirs)
        problem = f'was to be left as it is, but its "{changed[0]}" differs' if changed else ""
        return Verdict(Status.LEFT, problem)
    if crowd or masked:
        changed = _changed(ours, theirs)
        if crowd:
            problem = f'is a crowd, but its "{changed[0]}" differs' if changed else ""
            return Verdict(Status.CROWD, problem)
        if not changed:
            return Verdict(Status.KEPT)
        if "boxmask" not in theirs:
            return Verdict(Status.KEPT, f'had a mask already, but its "{changed[0]}" differs')
    if "boxmask" not in theirs:
        return Verdict("", 'has neither a mask of ours nor a reason: "boxmask" is missing')
    mark = read_mark(theirs["boxmask"])
    if mark is None or not mark.status:
        return Verdict("", f'"boxmask" is {preview(theirs["boxmask"])}, which is no result')
    if mark.status == Status.SKIPPED:
        return _skipped(mark, [key for key in _changed(ours, theirs) if key != "boxmask"])
    if mark.status != Status.OK:
        return Verdict("", f'"boxmask" has the status {mark.status!r}, which is none of ours')
    problem = ""
    if mark.predicted_iou is None or not 0 <= mark.predicted_iou <= 1:
        problem = f"the predicted IoU is {mark.predicted_iou}, not within 0 and 1"
    return Verdict(
        Status.OK,
        problem,
        box=mark.box or None,
        given_box=mark.given_box or None,
        tightness=mark.tightness or 0.0,
    )


def _changed(ours: Values, theirs: Values) -> list[str]:
    return [key for key in OUR_KEYS if not same_value(ours.get(key), theirs.get(key))]


def _skipped(mark: Mark, changed: list[str]) -> Verdict:
    problem = "" if mark.reason else "was skipped without a reason"
    if changed:
        problem = f'was skipped, but its "{changed[0]}" differs'
    return Verdict(Status.SKIPPED, problem, mark.reason)
