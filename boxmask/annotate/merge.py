"""The output: the input's own records streamed past, each result spliced into its record."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import UNSET, UnsetType

from boxmask.annotate.gather import Gathered
from boxmask.annotate.tally import Tally
from boxmask.data.forms import coco_form
from boxmask.data.forms.base import CocoForm
from boxmask.dataset import BoxDataset
from boxmask.faults import FAULTS, reason_of
from boxmask.mark import Mark, Status, kept_box

REPORT_EVERY = 4096
MOST_QUOTED = 200  # bytes of a value
STATUSES = tuple(Status)


class Manner(NamedTuple):
    """What the notes of all new masks of a run have in common."""

    tighten: bool  # the mask's tight box takes the place of the annotation's own
    tightness: float  # that the network was told; above 0 a mask may leave its box


@dataclass(eq=False)
class _Counts:
    statuses: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    clipped: int = 0
    iou: float = 0.0


def write_output(
    dataset: BoxDataset,
    status: npt.NDArray[np.uint8],
    found: Gathered,
    *,
    manner: Manner,
    out: BinaryIO,
    log: BinaryIO,
    report: Callable[[int], None],
) -> Tally:
    """Write every annotation once, in the input's order; those skipped also to the log.
    `report` is called with the number of annotations written so far.
    """
    counts = _Counts()
    form = coco_form(dataset)
    _write_head(form, _unsized(dataset, found.sizes), out)
    for row in range(len(dataset.annotation_ids)):
        record, reason = _spliced(form, STATUSES[status[row]], found, row, counts, manner)
        out.write((b",\n" if row else b"") + msgspec.json.encode(record))
        if reason:
            detail = found.fragment(row).decode() or _detail(record, reason)
            log.write(_log_line(dataset, row, reason, detail))
        if row % REPORT_EVERY == 0:
            report(row)
    out.write(b"\n]}\n")
    return _tally(dataset, counts)


def _write_head(form: CocoForm, sizes: Mapping[int, tuple[int, int]], out: BinaryIO) -> None:
    out.write(b"{")
    for key, raw in form.top_level(sizes):
        out.write(json.dumps(key).encode() + b": " + raw + b",\n")
    out.write(b'"annotations": [\n')


def _unsized(
    dataset: BoxDataset, sizes: Mapping[int, tuple[int, int]]
) -> dict[int, tuple[int, int]]:
    """Keep the measured sizes only where the input says none: the rest stays byte for byte."""
    known = (dataset.widths > 0) & (dataset.heights > 0)
    return {image: size for image, size in sizes.items() if not known[image]}


def _spliced(
    form: CocoForm, status: Status, found: Gathered, row: int, counts: _Counts, manner: Manner
) -> tuple[dict[str, object], str]:
    """Return an annotation with its result in it, and why it was skipped, "" if it was not."""
    dataset = form.dataset
    image = int(dataset.image_index[row])
    record = form.annotation(row, form.size(image, found.sizes) if image >= 0 else None)
    outcome, reason = found.rows[row], ""
    if status is Status.SKIPPED:
        reason = reason_of(dataset.faults[row])
    elif status is Status.OK:
        reason = found.reasons[outcome["reason"]]
        status = Status.SKIPPED if reason else Status.OK
    if reason:
        given = _given_box(record)
        record["boxmask"] = Mark(status=Status.SKIPPED, reason=reason, given_box=given)
        counts.reasons[reason] += 1
    elif status is Status.OK:
        quality = round(float(outcome["quality"]), 4)
        _add_mask(record, outcome, quality, found.fragment(row), manner)
        counts.clipped += int(outcome["clipped"])
        counts.iou += quality
    counts.statuses[status.value] += 1
    return record, reason


def _add_mask(
    record: dict[str, object], outcome: np.void, quality: float, mask: bytes, manner: Manner
) -> None:
    box, given = outcome["box"].tolist(), _given_box(record)
    mark = Mark(status=Status.OK, predicted_iou=quality, box=_raw(box))
    if manner.tightness:
        mark.tightness = manner.tightness
    if given is not UNSET:
        record["bbox"] = given
    if manner.tighten:
        mark.given_box = _raw(record["bbox"])
        record["bbox"] = box
    record["segmentation"] = msgspec.Raw(mask)
    record["area"] = int(outcome["area"])
    record["boxmask"] = mark


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _given_box(record: Mapping[str, object]) -> msgspec.Raw | UnsetType:
    """Return the box that an earlier run has put aside for a tight one."""
    mark = record.get("boxmask")
    return kept_box(mark) if isinstance(mark, msgspec.Raw) else UNSET


def _detail(record: Mapping[str, object], reason: str) -> str:
    """Quote what the input says where the dataset alone told that it cannot be used."""
    key = FAULTS[reason].quotes if reason in FAULTS else ""
    value = record.get(key)
    if not isinstance(value, msgspec.Raw):
        return ""
    return f"{key} is {bytes(value)[:MOST_QUOTED].decode(errors='replace')}"


def _log_line(dataset: BoxDataset, row: int, reason: str, detail: str) -> bytes:
    image = int(dataset.image_index[row])
    line = {
        "annotation": row,
        "id": dataset.annotation_ids[row],
        "image": dataset.file_names[image] if image >= 0 else None,
        "reason": reason,
    }
    if detail:
        line["detail"] = detail
    # Python's json writes the half pairs that a file name may hold; msgspec refuses them.
    return json.dumps(line).encode() + b"\n"


def _tally(dataset: BoxDataset, counts: _Counts) -> Tally:
    made = counts.statuses[Status.OK]
    return Tally(
        images=len(dataset.image_ids),
        annotations=len(dataset.annotation_ids),
        statuses={status.value: counts.statuses[status] for status in Status},
        reasons=dict(counts.reasons.most_common()),
        clipped=counts.clipped,
        mean_iou=round(counts.iou / made, 4) if made else None,
        warnings=dict(dataset.warnings),
    )
