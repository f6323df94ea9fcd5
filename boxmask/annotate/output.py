"""Merges the parts into the output: the input's records in order, each with its result in it."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from boxmask.annotate.events import MERGE, Event, OnEvent, Tally
from boxmask.annotate.kept import Measured, measure_kept
from boxmask.annotate.parts import Outcomes, gather_parts
from boxmask.annotate.plan import Plan, save_plan
from boxmask.annotate.settings import require_same_boxes
from boxmask.annotate.work_folder import WorkFolder, present_digests, refuse_foreign_output
from boxmask.annotate.workload import Workload
from boxmask.data.forms import coco_form
from boxmask.data.forms.base import CocoForm
from boxmask.data.forms.complete import complete, without_mask
from boxmask.data.turned_forms import turned_box
from boxmask.dataset import BoxDataset
from boxmask.durable import digest, gzipped, rename_durably, write_durably
from boxmask.faults import FAULTS, reason_of
from boxmask.mark import Mark, Status, kept_box

REPORT_EVERY = 4096
MAX_QUOTED_BYTES = 200  # bytes of a value
STATUSES = tuple(Status)
USUAL = (Status.OK, Status.KEPT, Status.CROWD, Status.SKIPPED)  # told even of none
REPEATED_KEYS = "annotations with a key twice, of which the last counts"


@dataclass(eq=False)
class _Counts:
    statuses: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    clipped: int = 0
    iou: float = 0.0
    outline_ious: list[float] = field(default_factory=list)


def merge_parts(workload: Workload, plan: Plan, work: WorkFolder, on_event: OnEvent) -> Plan:
    """Write the output and its log, and return the plan that knows them.

    Both are on the disk and in the plan before they get their names: whenever a run is killed, the
    next one can tell its own output from somebody else's. Only then is what is there replaced, if
    it is still ours, and made from boxes that are still those of the plan.
    """
    total = len(workload.status)
    out, log = work.staged_output, work.staged_log
    with (
        gather_parts(work.parts(plan), rows=total, scratch=work.path) as outcomes,
        write_durably(out) as out_stream,
        write_durably(log) as log_stream,
        gzipped(out_stream, work.out.suffix == ".gz") as text,
    ):
        tally = _write_output(
            workload,
            outcomes,
            out=text,
            log=log_stream,
            on_rows=lambda done: on_event(Event(MERGE, done, total)),
        )
    staged = {work.out: out} | ({work.log: log} if tally.skipped else {})
    digests = {path.name: digest(temporary) for path, temporary in staged.items()}
    require_same_boxes(workload.job, plan)
    refuse_foreign_output(work, plan, fresh=False)
    former = plan.former | present_digests(work)
    plan = replace(plan, outputs=digests, former=former, tally=tally, exported={})
    save_plan(plan, work.plan)
    if not tally.skipped:
        work.log.unlink(missing_ok=True)  # of an earlier run that had fewer images
    for path, temporary in reversed(staged.items()):
        rename_durably(temporary, path)
    on_event(Event(MERGE, total, total))
    return plan


def _write_output(
    workload: Workload,
    outcomes: Outcomes,
    *,
    out: BinaryIO,
    log: BinaryIO,
    on_rows: Callable[[int], None],
) -> Tally:
    """Write every annotation once, in the input's order; those skipped also to the log.

    `on_rows` is called with the number of annotations written so far.
    """
    dataset, counts = workload.dataset, _Counts()
    form, kept = coco_form(dataset), measure_kept(workload, outcomes.sizes)
    outcomes = replace(outcomes, sizes=outcomes.sizes | kept.sizes)
    _write_head(form, _newly_measured(dataset, outcomes.sizes), out)
    for row in range(len(dataset.annotation_ids)):
        record, reason = _record_with_result(form, workload, outcomes, row, kept, counts)
        out.write((b",\n" if row else b"") + msgspec.json.encode(record))
        if reason:
            fragment = outcomes.fragment(row).decode()
            detail = fragment or _detail(record, reason) or _fault_detail(dataset, kept, row)
            log.write(_log_line(dataset, row, reason, detail))
        if row % REPORT_EVERY == 0:
            on_rows(row)
    out.write(b"\n]}\n")
    repeated = {REPEATED_KEYS: form.repeated} if form.repeated else {}
    tally = _tally(dataset, counts)
    warnings = tally.warnings | repeated
    return replace(tally, rectangles=workload.rectangles, warnings=warnings)


def _write_head(form: CocoForm, sizes: Mapping[int, tuple[int, int]], out: BinaryIO) -> None:
    out.write(b"{")
    for key, raw in form.top_level(sizes):
        out.write(json.dumps(key).encode() + b": " + raw + b",\n")
    out.write(b'"annotations": [\n')


def _newly_measured(
    dataset: BoxDataset, sizes: Mapping[int, tuple[int, int]]
) -> dict[int, tuple[int, int]]:
    """Keep the measured sizes only where the input says none: the rest stays byte for byte."""
    known = (dataset.widths > 0) & (dataset.heights > 0)
    return {image: size for image, size in sizes.items() if not known[image]}


def _record_with_result(
    form: CocoForm,
    workload: Workload,
    outcomes: Outcomes,
    row: int,
    kept: Measured,
    counts: _Counts,
) -> tuple[dict[str, object], str]:
    """Return an annotation with its result in it, and why it was skipped, "" if it was not."""
    dataset = form.dataset
    image = int(dataset.image_index[row])
    size = form.size(image, outcomes.sizes) if image >= 0 else None
    record = form.annotation(row, size)
    status, outcome = STATUSES[workload.status[row]], outcomes.rows[row]
    reason = _skip_reason(status, workload, outcomes, row, kept)
    status = Status.SKIPPED if reason else status
    turned = turned_box(dataset, row, size)
    if reason:
        given = _given_box(record)
        mark = Mark(status=Status.SKIPPED, reason=reason, given_box=given)
        mark.bbox, mark.turned_box = dataset.box_form, turned
        record = without_mask(record, size) | {"boxmask": mark}
        counts.reasons[reason] += 1
    elif status is Status.OK:
        mark = Mark(status=Status.OK, predicted_iou=round(float(outcome["quality"]), 4))
        mark.turned_box = turned
        _add_mask(record, mark, outcome, outcomes.fragment(row), workload)
        counts.clipped += int(outcome["clipped"])
        counts.iou += mark.predicted_iou or 0.0
        if mark.outline_iou is not UNSET:
            counts.outline_ious.append(mark.outline_iou)
    elif status in (Status.LEFT, Status.REJECTED):
        record = without_mask(record, size)
    counts.statuses[status.value] += 1
    return complete(record), reason


def _skip_reason(
    status: Status, workload: Workload, outcomes: Outcomes, row: int, kept: Measured
) -> str:
    """Return why a row has no mask after all, "" if that is not so."""
    dataset, image = workload.dataset, int(workload.dataset.image_index[row])
    if status is Status.SKIPPED:
        return reason_of(dataset.faults[row])
    if status is Status.OK:
        return outcomes.reasons[int(outcomes.rows[row]["reason"])]
    if status is Status.KEPT and dataset.relative[row] and image in kept.faults:
        return kept.faults[image].reason
    return ""


def _add_mask(
    record: dict[str, object], mark: Mark, outcome: np.void, mask: bytes, workload: Workload
) -> None:
    """Put a mask with its mark into a record, in place of an earlier run's."""
    box, given = outcome["box"].tolist(), _given_box(record)
    mark.box = _raw(box)
    mark.bbox = workload.dataset.box_form
    if workload.job.polygons and workload.job.tolerance is not None:
        mark.outline_iou = round(float(outcome["outline_iou"]), 4)
    if workload.tightness:
        mark.tightness = workload.tightness
    if given is not UNSET:
        record["bbox"] = given
    if workload.job.tighten:
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
    if reason not in FAULTS:
        return ""
    key = FAULTS[reason].quotes
    if not isinstance(record.get(key), msgspec.Raw):
        key = "source"  # of a format that is not COCO: the line or the element
    value = record.get(key)
    if not isinstance(value, msgspec.Raw):
        return ""
    return f"{key} is {bytes(value)[:MAX_QUOTED_BYTES].decode(errors='replace')}"


def _fault_detail(dataset: BoxDataset, kept: Measured, row: int) -> str:
    fault = kept.faults.get(int(dataset.image_index[row]))
    return "" if fault is None else fault.detail


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
    made, outlined = counts.statuses[Status.OK], counts.outline_ious
    return Tally(
        images=len(dataset.image_ids),
        annotations=len(dataset.annotation_ids),
        statuses={
            status.value: counts.statuses[status]
            for status in Status
            if status in USUAL or counts.statuses[status]
        },
        reasons=dict(counts.reasons.most_common()),
        clipped=counts.clipped,
        mean_iou=round(counts.iou / made, 4) if made else None,
        outline_iou=round(sum(outlined) / len(outlined), 4) if outlined else None,
        lowest_outline_iou=min(outlined, default=None),
        warnings=dict(dataset.warnings),
    )
