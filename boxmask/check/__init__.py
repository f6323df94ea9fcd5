"""Proof that an output holds every annotation of its input, and that only masks were added."""

from collections.abc import Sequence
from pathlib import Path

from boxmask.check.added import judge_added
from boxmask.check.compare import compare_head, compare_rows
from boxmask.check.completed import Completed, find_completed
from boxmask.check.pairs import left_over, match_ids, name_position, pairing_faults
from boxmask.check.report import CheckReport
from boxmask.data.annotated_file import AnnotatedFile, open_annotated
from boxmask.data.forms import coco_form
from boxmask.dataset import BoxDataset, IntArray
from boxmask.faults import Flags
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

    An output that completes the dataset is the same to the byte but for what was proposed, which
    stands behind its annotations: each a mask of a box, in an image and of a category of the
    dataset. It may be annotated and reviewed, too; then what was not has the same values.
    """
    output = open_annotated(out, dataset)
    report = CheckReport(len(dataset.annotation_ids), shown)
    pairs = match_ids(dataset.annotation_ids, output.ids)
    over = left_over(pairs, len(output.ids))
    completed = find_completed(dataset, output, over)
    if completed is None:
        _check_head(dataset, output, report)
        _check_others(dataset, output, pairs, over, report)
        _check_rows(dataset, output, pairs, ~(subset or Subset()).rows(dataset), report)
    else:
        _check_completed(dataset, completed, pairs, over, report)
    return report


def _check_completed(
    dataset: BoxDataset,
    completed: Completed,
    pairs: IntArray,
    over: Sequence[int],
    report: CheckReport,
) -> None:
    """Check that nothing was touched, what was proposed, and whether that is all of it."""
    output = completed.output
    _check_others(dataset, output, pairs, over, report)
    for record, problem in completed.unlike_proposals():
        report.add_problem(record, problem)
    if not completed.difference:
        report.untouched = True
        report.statuses |= {Status.LEFT.value: len(pairs)} if len(pairs) else {}
        return
    marked = completed.marked(dataset, pairs)
    _check_head(dataset, output, report)
    _check_rows(dataset, output, pairs, ~marked, report)
    judged = marked.any() or completed.is_reviewed() or Status.DRAWN in report.statuses
    if report.holds and not judged:
        report.add_problem(str(output.document.path), completed.difference)


def _check_head(dataset: BoxDataset, output: AnnotatedFile, report: CheckReport) -> None:
    """Check all that stands beside the annotations."""
    for problem in compare_head(coco_form(dataset), dataset, output):
        report.add_problem(str(output.document.path), problem)


def _check_rows(
    dataset: BoxDataset, output: AnnotatedFile, pairs: IntArray, left: Flags, report: CheckReport
) -> None:
    """Check the annotations that are in both; those `left` (N,) were not to be annotated."""
    form = coco_form(dataset)
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


def _check_others(
    dataset: BoxDataset,
    output: AnnotatedFile,
    pairs: IntArray,
    over: Sequence[int],
    report: CheckReport,
) -> None:
    """Check what is missing from the output, what moved, and what is `over`: only there."""
    added = judge_added(dataset, output, over)
    for position, verdict in added.items():
        report.count(verdict.status, verdict.reason)
        if verdict.problem:
            report.add_problem(name_position(position, output.ids), verdict.problem)
    for record, problem in pairing_faults(pairs, dataset.annotation_ids, output.ids, added):
        report.add_problem(record, problem)
