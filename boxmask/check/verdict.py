"""What became of one annotation, and whether that was allowed."""

from typing import Annotated, NamedTuple

import msgspec

from boxmask.check.values import OURS, Values, same, shown


class Verdict(NamedTuple):
    """The status of an annotation after a run, and what is wrong with it."""

    status: str  # "ok", "kept", "crowd", "skipped", or "" if it cannot be told
    problem: str = ""
    reason: str = ""  # why it was skipped
    box: msgspec.Raw | None = None  # the tight box of its mask, as it says
    given_box: msgspec.Raw | None = None  # the box that it had before its mask's took the place
    tightness: float = 0.0  # above 0 its mask may leave its box


_ABSENT = msgspec.Raw(b"")


class _Note(msgspec.Struct):
    status: str
    predicted_iou: float | None = None
    reason: str = ""
    box: msgspec.Raw = _ABSENT
    given_box: msgspec.Raw = _ABSENT
    tightness: Annotated[float, msgspec.Meta(ge=0, le=0.5)] = 0.0


_NOTE = msgspec.json.Decoder(_Note)


def verdict(ours: Values, theirs: Values, *, crowd: bool, masked: bool) -> Verdict:
    """Judge one annotation; `masked` if the input had a segmentation, `crowd` if it is one."""
    if crowd or masked:
        changed = _changed(ours, theirs)
        if crowd:
            return Verdict(
                "crowd", f'is a crowd, but its "{changed[0]}" differs' if changed else ""
            )
        if not changed:
            return Verdict("kept")
        if "boxmask" not in theirs:
            return Verdict("kept", f'had a mask already, but its "{changed[0]}" differs')
    if "boxmask" not in theirs:
        return Verdict("", 'has neither a mask of ours nor a reason: "boxmask" is missing')
    try:
        note = _NOTE.decode(theirs["boxmask"])
    except msgspec.DecodeError:
        return Verdict("", f'"boxmask" is {shown(theirs["boxmask"])}, which is no result')
    if note.status == "skipped":
        return _skipped(note, [key for key in _changed(ours, theirs) if key != "boxmask"])
    if note.status != "ok":
        return Verdict("", f'"boxmask" has the status {note.status!r}, which is none of ours')
    problem = ""
    if note.predicted_iou is None or not 0 <= note.predicted_iou <= 1:
        problem = f"the predicted IoU is {note.predicted_iou}, not within 0 and 1"
    return Verdict(
        "ok",
        problem,
        box=_given(note.box),
        given_box=_given(note.given_box),
        tightness=note.tightness,
    )


def _given(value: msgspec.Raw) -> msgspec.Raw | None:
    return value if len(value) else None


def _changed(ours: Values, theirs: Values) -> list[str]:
    return [key for key in OURS if not same(ours.get(key), theirs.get(key))]


def _skipped(note: _Note, changed: list[str]) -> Verdict:
    problem = "" if note.reason else "was skipped without a reason"
    if changed:
        problem = f'was skipped, but its "{changed[0]}" differs'
    return Verdict("skipped", problem, note.reason)
