"""Prints what `boxmask annotate` has done."""

from itertools import islice
from pathlib import Path

from rich.table import Table

from boxmask.annotate.events import Estimate, Summary
from boxmask.annotate.hints import Hints
from boxmask.cli.printing import console, format_duration, say
from boxmask.mark import Status

FIRST_SKIPPED = 10
_STATUS_TITLES = {
    Status.OK: "masks made",
    Status.KEPT: "masks that were there",
    Status.CROWD: "crowds left alone",
    Status.SKIPPED: "skipped",
    Status.LEFT: "left as they are",
    Status.REJECTED: "rejected in a review, left alone",
}


def print_result(result: Summary | Estimate, *, verbose: bool = False) -> None:
    """Print what a run has done, or what a dry run estimates."""
    if isinstance(result, Summary):
        _print_summary(result)
        if verbose:
            say(f"network computed by {result.runtime}")
            if result.why_torch:
                say(f"  {result.why_torch}")
            _print_skipped(result)
    else:
        _print_estimate(result)


def _print_summary(summary: Summary) -> None:
    """Print what has become of the annotations, and where the files lie."""
    tally = summary.tally
    table = _table(f"{tally.annotations:,} annotations of {tally.images:,} images")
    for status, count in tally.statuses.items():
        table.add_row(_STATUS_TITLES[Status(status)], f"{count:,}")
    _add_reasons(table, tally.reasons)
    if tally.clipped:
        table.add_row("boxes clipped to their image", f"{tally.clipped:,}")
    for warning, count in tally.warnings.items():
        table.add_row(f"seen while reading: {warning}", f"{count:,}")
    _add_hints(table, summary.told)
    if tally.mean_iou is not None:
        table.add_row("mean expected IoU", f"{tally.mean_iou:.3f}")
    if tally.outline_iou is not None:
        table.add_row("mean IoU of the polygons", f"{tally.outline_iou:.4f}")
        table.add_row("  the lowest", f"{tally.lowest_outline_iou:.4f}")
    console().print(table)
    say(_summary_line(summary))
    _say_rectangles(tally.rectangles, tally.warnings)
    say(f"output: {summary.out}")
    if tally.skipped:
        say(f"skipped: {summary.log}")
    for name, place in summary.exported.items():
        say(f"{name}: {place}")
        for note, value in summary.export_notes.get(name, {}).items():
            if value:
                say(f"  {note}: {value:,.10g}")
    if summary.state:
        say(f"state: {summary.state}, with a copy of it all; needed no more once you are done")
    if summary.other_images and (summary.already_done or summary.reused):
        say(
            "Masks of an earlier run are kept, made from another image folder; --fresh makes all "
            "of them from this one."
        )


def _print_estimate(estimate: Estimate) -> None:
    """Print what would be done."""
    table = _table(f"{estimate.annotations:,} annotations of {estimate.images:,} images")
    table.add_row("masks to make", f"{estimate.boxes:,}")
    table.add_row("masks that are there", f"{estimate.kept:,}")
    table.add_row("crowds to leave alone", f"{estimate.crowd:,}")
    table.add_row("to skip, before opening images", f"{sum(estimate.skipped.values()):,}")
    _add_reasons(table, estimate.skipped)
    if estimate.left:
        table.add_row("to leave as they are", f"{estimate.left:,}")
    if estimate.rejected:
        table.add_row("rejected in a review, to leave alone", f"{estimate.rejected:,}")
    if estimate.unusable:
        unusable = sum(estimate.unusable.values())
        table.add_row(
            "images that cannot be used", f"{unusable:,} of {estimate.images_checked:,} checked"
        )
        _add_reasons(table, estimate.unusable)
    _add_hints(table, estimate.told)
    table.add_row("shards", f"{estimate.shards:,}")
    table.add_row("finished shards", f"{estimate.finished_shards:,}")
    console().print(table)
    if estimate.finished_shards == estimate.shards:
        say("No masks are left to make.")
    elif estimate.boxes_per_second is None:
        say("The speed could not be measured: none of the first images can be used.")
    else:
        left, rate = format_duration(estimate.seconds_left), estimate.boxes_per_second
        where = f"on {estimate.device} in {estimate.precision}"
        say(f"about {left} at {rate:.1f} boxes/s {where}")


def _print_skipped(summary: Summary) -> None:
    """Print the first lines of the log of skipped annotations."""
    if summary.tally.skipped:
        name = Path(summary.log).name
        path = Path(summary.state) / name if summary.state else Path(summary.log)
        with path.open(encoding="utf-8") as log:
            for line in islice(log, FIRST_SKIPPED):
                say(f"  {line.rstrip()}")


def _say_rectangles(replaced: int, warnings: dict[str, int]) -> None:
    """Say what became of segmentations that are just their box."""
    if replaced:
        say(
            f"{replaced:,} segmentations are just their box and were taken for boxes; "
            "--rectangles keep leaves them."
        )
    elif count := warnings.get("segmentations that are just their box"):
        say(
            f"{count:,} segmentations are just their box and were kept; --rectangles predict "
            "gives them masks."
        )


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    return table


def _add_hints(table: Table, hints: Hints | None) -> None:
    """Say what the network knows of the boxes, if it takes hints."""
    if hints is not None:
        loose = f"off by {100 * hints.tightness:g} % of their sides"
        table.add_row("boxes taken to be", loose if hints.tightness else "exact")
        table.add_row("neighbouring boxes shown", "yes" if hints.neighbours else "no")


def _add_reasons(table: Table, reasons: dict[str, int]) -> None:
    for reason, count in reasons.items():
        table.add_row(f"  {reason}", f"{count:,}")


def _summary_line(summary: Summary) -> str:
    if summary.already_done:
        return f"already done; checked in {summary.seconds:.1f} s"
    spent = f"{summary.predicted:,} masks in {format_duration(summary.seconds)}"
    spent += f" on {summary.device} in {summary.precision}"
    if summary.reused:
        spent += f"; {summary.reused:,} from an earlier run"
    return spent
