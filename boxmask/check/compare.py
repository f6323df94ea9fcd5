"""An output against the form that the dataset should have: its annotations and all beside them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import UNSET

from boxmask.check.masks import Claim, claim_of, mask_faults
from boxmask.check.turned import leaving_turned, turned_problem
from boxmask.check.values import (
    decode_verbatim,
    differences,
    encode_values,
    preview,
    same_value,
    without_drawn,
)
from boxmask.check.verdict import MASKED, Verdict, judge
from boxmask.data.annotated_file import AnnotatedFile
from boxmask.data.boxes import pixel_boxes
from boxmask.data.forms.base import CocoForm
from boxmask.data.raw.document import decode_lenient
from boxmask.data.raw.members import split_members
from boxmask.data.turned_forms import turned_box
from boxmask.dataset import BoxDataset
from boxmask.faults import Flags
from boxmask.mark import Status, kept_box

_ABSENT = object()
_NULL = msgspec.Raw(b"null")


class Finding(NamedTuple):
    """What became of one annotation; nothing is wrong with it if `problem` is empty."""

    row: int
    verdict: Verdict
    problem: str


def compare_head(form: CocoForm, dataset: BoxDataset, output: AnnotatedFile) -> Iterator[str]:
    """Yield what differs beside the annotations.

    Categories may have grown by what a person has drawn.
    """
    beside = {
        key: output.document.original(raw)
        for key, raw in output.document.members.items()
        if key != "annotations"
    }
    for key, ours in form.top_level(_measured(dataset, output)):
        if key == "annotations":
            continue
        if key not in beside:
            yield f'"{key}" is missing from the output'
        else:
            yield from _compare_member(key, ours, beside.pop(key))
    for key in beside:
        if key != "categories" or _without_drawn(key, output.document.value(key)):
            yield f'"{key}" was added'


def compare_rows(
    form: CocoForm,
    dataset: BoxDataset,
    output: AnnotatedFile,
    rows: Sequence[int],
    positions: Sequence[int],
    *,
    left: Flags,
) -> list[Finding]:
    """Compare annotations with those at `positions` of the output, all masks of them at once.

    `left` (k,) marks those that were not to be annotated.
    """
    sizes = output.sizes[dataset.image_index[rows]].tolist()
    crowds, masked = dataset.is_crowd[rows].tolist(), dataset.has_mask[rows].tolist()
    findings, claims = {}, []
    for k, (row, position) in enumerate(zip(rows, positions, strict=True)):
        size = tuple(sizes[k]) if all(sizes[k]) else None
        ours = encode_values(form.annotation(row, size))
        theirs = split_members(output.records[position])
        fate = {"crowd": crowds[k], "masked": masked[k], "left": bool(left[k])}
        found = judge(ours, theirs, **fate, size=size)
        kept = kept_box(ours.get("boxmask", _NULL))
        # An earlier run had put the box aside: with a new mask, or none, it may come back.
        if kept is not UNSET and found.status in (*MASKED, Status.REJECTED):
            ours = {**ours, "bbox": kept}
        turned = turned_problem(turned_box(dataset, row, size), ours, theirs)
        problems = [*differences(ours, theirs, given_box=found.given_box), found.problem, turned]
        findings[row] = Finding(row, found, "; ".join(filter(None, problems)))
        if found.status in MASKED and not (found.problem or turned):
            claims.append(claim_of(row, theirs, found, *sizes[k]))
    broken = dict(mask_faults(claims, _boxes(dataset, claims)))
    whole = [claim for claim in claims if claim.row not in broken]
    for row, problem in (*broken.items(), *leaving_turned(whole, dataset)):
        before = findings[row].problem
        findings[row] = findings[row]._replace(problem=f"{before}; {problem}".removeprefix("; "))
    return list(findings.values())


def _boxes(dataset: BoxDataset, claims: Sequence[Claim]) -> npt.NDArray[np.float64]:
    """Return the boxes of the claims in pixels (K, 4)."""
    rows = np.array([claim.row for claim in claims], np.int64)
    boxes = dataset.boxes[rows]
    for k in np.flatnonzero(dataset.relative[rows]).tolist():
        boxes[k] = pixel_boxes(dataset, rows[k : k + 1], claims[k].width, claims[k].height)[0]
    return boxes


def _measured(dataset: BoxDataset, output: AnnotatedFile) -> dict[int, tuple[int, int]]:
    """Return the sizes that only the output knows, by image."""
    unknown = (dataset.widths == 0) | (dataset.heights == 0)
    found = np.flatnonzero(unknown & output.sizes[:-1].all(axis=1)).tolist()
    return {image: tuple(output.sizes[image].tolist()) for image in found}


def _compare_member(key: str, ours: bytes, theirs: bytes) -> Iterator[str]:
    if same_value(ours, theirs):
        return
    before: Any = None
    after: Any = None
    plain: Any = ()
    with suppress(ValueError, RecursionError):  # what skips over values is laxer than what reads
        before, after = decode_verbatim(ours), _without_drawn(key, decode_verbatim(theirs))
        plain = decode_lenient(ours), _without_drawn(key, decode_lenient(theirs))
    if plain and isinstance(before, list) and isinstance(after, list):
        items = zip_longest(before, after, *plain, fillvalue=_ABSENT)
        for place, (one, other, was, now) in enumerate(items):
            if one != other:
                yield f'"{key}"[{place}]{_describe_difference(one, other, was, now)}'
    else:
        yield f'"{key}" was {preview(ours)} and is {preview(theirs)}'


def _without_drawn(key: str, value: Any) -> Any:
    """Leave out the categories that a person has added."""
    return without_drawn(value) if key == "categories" and isinstance(value, list) else value


def _describe_difference(one: Any, other: Any, was: Any, now: Any) -> str:
    """Say how two items differ: by the first key that does, if they have keys.

    `one` and `other` are what is compared, `was` and `now` the same to be shown.
    """
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return f" was {_text(was)} and is {_text(now)}"
    key = next(k for k in one | other if one.get(k, _ABSENT) != other.get(k, _ABSENT))
    return f': "{key}" was {_text(was.get(key, _ABSENT))} and is {_text(now.get(key, _ABSENT))}'


def _text(value: object) -> str:
    return "absent" if value is _ABSENT else preview(json.dumps(value).encode())
