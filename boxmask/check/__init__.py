"""Proof that an output holds every annotation of its input, and that only masks were added."""

from pathlib import Path

from boxmask.check.compare import compare_head, compare_rows
from boxmask.check.drawn import drawn_faults
from boxmask.check.pairs import left_over, match_ids, name_position, pairing_faults
from boxmask.check.report import CheckReport
from boxmask.data.annotated_file import AnnotatedFile, open_annotated
from boxmask.data.forms import coco_form
from boxmask.dataset import BoxDataset, IntArray
from boxmask.mark import Status
from boxmask.subset import Subset

__all__ = ["CheckReport", "check"]

_CHUNK = 512  # annotations whose masks are measured at once, in the cache of the processor


def check(
    dataset: BoxDataset, out: Path, *, subset: Subset | None = None, shown: int = 10
) -> CheckReport:
    """Compare an output with the dataset that it was made from, and name what is lost or changed.

    What must hold: every annotation of the input is in the output exactly once, in the same order,
    with its id and all its own keys; only its segmentation, its area and one key of ours may
    differ, and the new masks are masks of their boxes. Where our key has a `given_box`, that is
    the input's bbox, and in its place is the mask's tight box. Everything beside the annotations
    is the same, and so is all that is not in the subset. What a person has rejected, corrected or
    drawn in a review says so, and counts as that.
    """
    output = open_annotated(out, dataset)
    report = CheckReport(len(dataset.annotation_ids), shown)
    pairs = match_ids(dataset.annotation_ids, output.ids)
    form = coco_form(dataset)
    for problem in compare_head(form, dataset, output):
        report.add_problem(str(out), problem)
    _check_others(dataset, output, pairs, report)
    left = ~(subset or Subset()).rows(dataset)
    paired = (pairs >= 0).nonzero()[0]
    for start in range(0, len(paired), _CHUNK):
        rows = paired[start : start + _CHUNK]
        places = pairs[rows].tolist()
        for found in compare_rows(form, dataset, output, rows.tolist(), places, left=left[rows]):
            report.count(found.verdict.status, found.verdict.reason)
            kept = found.verdict.status == Status.KEPT
            report.rectangles += int(kept and dataset.is_rectangle[found.row])
            if found.problem:
                id = dataset.annotation_ids[found.row]
                report.add_problem(f"annotations[{found.row}] (id {id!r})", found.problem)
    return report


def _check_others(
    dataset: BoxDataset, output: AnnotatedFile, pairs: IntArray, report: CheckReport
) -> None:
    """Check what is missing from the output, what moved, and what is only there."""
    drawn = dict(drawn_faults(dataset, output, left_over(pairs, len(output.ids))))
    for position, problem in drawn.items():
        report.count(Status.DRAWN, "")
        if problem:
            report.add_problem(name_position(position, output.ids), problem)
    for record, problem in pairing_faults(pairs, dataset.annotation_ids, output.ids, drawn):
        report.add_problem(record, problem)
