"""Annotations that the input does not have: a person has drawn them, or a detector proposed them.

Each says so itself, so that everything else that was added counts as a fault.
"""

from collections import Counter
from collections.abc import Sequence, Set
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from boxmask.check.masks import claim_of, mask_faults
from boxmask.check.values import Values, number_of, preview
from boxmask.check.verdict import MASKED, Verdict, corrected, judge
from boxmask.data.annotated_file import AnnotatedFile
from boxmask.data.numbers import as_id
from boxmask.data.raw.document import decode_lenient
from boxmask.data.raw.members import split_members
from boxmask.dataset import BoxDataset, Id
from boxmask.mark import Status, read_mark
from boxmask.proposed import KEY as PROPOSED
from boxmask.unreadable import UNREADABLE

Box = tuple[float, float, float, float]  # x, y, width, height

_NULL = msgspec.Raw(b"null")
_BOX = msgspec.json.Decoder(Box)
_NOWHERE: Box = (np.nan,) * 4


class _Lawful(NamedTuple):
    """What an added annotation may be and name."""

    ids: Counter[Id]  # of the output: its own must be there once
    images: dict[Id, int]  # of the dataset, with the place of each
    drawn: Set[Id]  # categories of those that were drawn
    proposed: Set[Id]  # categories of those that were proposed


def judge_added(
    dataset: BoxDataset, output: AnnotatedFile, positions: Sequence[int]
) -> dict[int, Verdict]:
    """Judge the annotations at `positions` that were drawn or proposed; others are left out.

    The id of each must be its own, its image one of the dataset, its category one of the output, or
    of the dataset if it was proposed, and its mask a mask of that image, within a proposed box.
    """
    lawful = _Lawful(
        Counter(output.ids) if positions else Counter(),
        {id: image for image, id in enumerate(dataset.image_ids)},
        _ids(output, "categories") | {None},
        {category.id for category in dataset.categories},
    )
    verdicts, claims, boxes = {}, [], []
    for position in positions:
        theirs = split_members(output.records[position])
        found = _judge(theirs, lawful)
        if found is None:
            continue
        verdicts[position] = found
        if found.status in (*MASKED, PROPOSED) and not found.problem:
            width, height = output.sizes[lawful.images[_id_at(theirs, "image_id")]].tolist()
            claims.append(claim_of(position, theirs, found, width, height))
            boxes.append(_box(found.given_box or theirs.get("bbox", _NULL)))
    for position, problem in mask_faults(claims, _corners(boxes)):
        verdicts[position] = verdicts[position]._replace(problem=problem)
    return verdicts


def is_proposed(theirs: Values) -> bool:
    """Tell whether a record says that a detector has proposed it."""
    return bytes(theirs.get(PROPOSED, _NULL)) == b"true"


def _is_drawn(theirs: Values) -> bool:
    """Tell whether a record says that a person has drawn it."""
    mark = read_mark(theirs.get("boxmask", _NULL))
    return mark is not None and mark.status == Status.DRAWN


def _judge(theirs: Values, lawful: _Lawful) -> Verdict | None:
    """Judge all but the mask itself; None for what was neither drawn nor proposed."""
    if _is_drawn(theirs):
        mark = read_mark(theirs["boxmask"])
        assert mark is not None
        found, how, categories = corrected(mark, Status.DRAWN), "drawn", lawful.drawn
    elif is_proposed(theirs):
        found, how, categories = _judge_proposed(theirs), "proposed", lawful.proposed
    else:
        return None
    wrong = _misplaced(theirs, lawful, categories)
    return found._replace(problem=f"was {how}{wrong}") if wrong else found


def _judge_proposed(theirs: Values) -> Verdict:
    """Judge what a detector has proposed by what became of its box; a person may have judged it."""
    boxed = {key: value for key, value in theirs.items() if key not in ("segmentation", "boxmask")}
    found = judge(boxed, theirs, crowd=False, masked=False, left=False, size=None)
    if found.status == Status.OK:
        found = found._replace(status=PROPOSED)
    if not found.problem and not 0 <= number_of(theirs.get("score", _NULL)) <= 1:
        shown = preview(theirs.get("score", _NULL))
        return found._replace(problem=f"its score is {shown}, not within 0 and 1")
    return found


def _misplaced(theirs: Values, lawful: _Lawful, categories: Set[Id]) -> str:
    """Say what an annotation names that it may not, "" if all is well."""
    id, image_id, category_id = (_id_at(theirs, key) for key in ("id", "image_id", "category_id"))
    if id is None:
        return ", but has no id"
    if lawful.ids[id] > 1:
        return f", but its id {id!r} is not its own"
    if image_id not in lawful.images:
        return f" on image {image_id!r}, which there is not"
    if category_id not in categories:
        return f" as category {category_id!r}, which there is not"
    return ""


def _ids(output: AnnotatedFile, key: str) -> set[Id]:
    """Return the ids of a list at the top level of an output."""
    value = output.document.value(key)
    items = value if isinstance(value, list) else []
    return {as_id(item.get("id")) for item in items if isinstance(item, dict)}


def _id_at(values: Values, key: str) -> Id:
    """Return an id that a record names, None for what is none."""
    try:
        return as_id(decode_lenient(values.get(key, _NULL)))
    except ValueError:
        return None


def _box(value: msgspec.Raw) -> Box:
    """Read a box; of what is none, numbers that are none."""
    try:
        return _BOX.decode(value)
    except UNREADABLE:
        return _NOWHERE


def _corners(boxes: Sequence[Box]) -> npt.NDArray[np.float64]:
    """Return boxes as corners (K, 4)."""
    x, y, width, height = np.array(boxes, np.float64).reshape(-1, 4).T
    return np.stack([x, y, x + width, y + height], axis=1)
