"""What a judgement makes of the record of an annotation.

Boxes are x, y, width, height in pixels.
"""

from collections.abc import Mapping

import msgspec
from msgspec import UNSET, Raw, UnsetType

from boxmask.data.forms.complete import without_mask
from boxmask.data.raw.members import Members, split_members
from boxmask.mark import ACCEPTED, TO_FIX, Status, kept_box
from boxmask.review.instances import Instances
from boxmask.review.judgements import Correction, Judgement
from boxmask.review.masks import Rle, shape_of

Record = dict[str, object]
REVIEWS = {"accept": ACCEPTED, "fix": TO_FIX}


def changed_record(
    instances: Instances, row: int, judgement: Judgement
) -> tuple[bytes | None, str]:
    """Return the record of a row as it is judged, None if it stays, and what became of it."""
    masked = bool(instances.dataset.has_mask[row])
    verdict = judgement.verdict
    if judgement.correction is None and not masked and verdict != "none":
        return None, "without a mask"
    record: Record = dict(split_members(instances.dataset.records[row]))
    if verdict == "reject":
        return msgspec.json.encode(_reject(instances, row, record)), "rejected"
    if judgement.correction is not None:
        _correct(record, judgement.correction, REVIEWS.get(verdict, ""))
        return msgspec.json.encode(record), "corrected"
    if verdict in REVIEWS:
        record["boxmask"] = _reviewed(record.get("boxmask"), REVIEWS[verdict])
        return msgspec.json.encode(record), REVIEWS[verdict]
    return None, ""


def mask_values(rle: Rle, status: Status, review: str) -> Record:
    """Return what a record says of a mask that a person made."""
    shape = shape_of(rle)
    mark: Record = {"status": status, "box": shape.box}
    if review:
        mark["review"] = review
    return {"segmentation": rle, "area": shape.area, "boxmask": mark}


def _reject(instances: Instances, row: int, record: Record) -> Record:
    """Return a record without its mask; a box that had given way to the mask's is back."""
    given, form = _given_box(record), _form(record)
    kept = {key: record[key] for key in record if key not in ("segmentation", "area")}
    if given is not UNSET:
        kept["bbox"] = given
    size = instances.size(int(instances.dataset.image_index[row]))
    emptied = without_mask(kept, size if all(size) else None)
    return emptied | {"boxmask": {"status": Status.REJECTED} | form}


def _correct(record: Record, correction: Correction, review: str) -> None:
    """Put another mask in; where its tight box is the bbox, that changes with it."""
    given = _given_box(record)
    values = mask_values(correction.rle, Status.CORRECTED, review)
    mark = values["boxmask"]
    assert isinstance(mark, dict)
    mark |= _form(record)
    if given is not UNSET:
        mark["given_box"] = given
        record["bbox"] = mark["box"]
    record |= values


def _reviewed(mark: object, review: str) -> Mapping[str, object]:
    """Add to a mark what was said; what it says of the mask itself stays byte for byte."""
    members = _members(mark)
    members.pop("review", None)
    status = {} if "status" in members else {"status": Status.KEPT}
    return {**status, **members, "review": review}


def _form(record: Record) -> Record:
    """Keep what the mark says of the annotation's box: how it was read, and where it is turned."""
    members = _members(record.get("boxmask"))
    return {key: members[key] for key in ("bbox", "turned_box") if key in members}


def _members(mark: object) -> Members:
    """Split a mark into its members; none of what is no object."""
    raw = bytes(mark) if isinstance(mark, Raw) else b""
    return split_members(raw) if raw.startswith(b"{") else {}


def _given_box(record: Record) -> Raw | UnsetType:
    """Return the annotation's own box, if the mask's has its place."""
    mark = record.get("boxmask")
    return kept_box(bytes(mark)) if isinstance(mark, Raw) else UNSET
