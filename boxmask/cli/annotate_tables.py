"""What `boxmask annotate` says at the end."""

from rich.console import Console
from rich.table import Table

from boxmask.annotate.events import Estimate, Summary
from boxmask.annotate.told import Told
from boxmask.mark import Status

STATUSES = {
    Status.OK: "masks made",
    Status.KEPT: "masks that were there",
    Status.CROWD: "crowds left alone",
    Status.SKIPPED: "skipped",
}


def summary_table(summary: Summary) -> None:
    """Print what has become of the annotations, and where the files lie."""
    tally = summary.tally
    table = _table(f"{tally.annotations:,} annotations of {tally.images:,} images")
    for status, count in tally.statuses.items():
        table.add_row(STATUSES[Status(status)], f"{count:,}")
    _add_reasons(table, tally.reasons)
    if tally.clipped:
        table.add_row("boxes clipped to their image", f"{tally.clipped:,}")
    for warning, count in tally.warnings.items():
        table.add_row(f"seen while reading: {warning}", f"{count:,}")
    _add_told(table, summary.told)
    if tally.mean_iou is not None:
        table.add_row("mean expected IoU", f"{tally.mean_iou:.3f}")
    console = Console()
    console.print(table)
    console.print(_spent(summary), highlight=False)
    console.print(f"output: {summary.out}", highlight=False, soft_wrap=True)
    if tally.skipped:
        console.print(f"skipped: {summary.log}", highlight=False, soft_wrap=True)
    for name, folder in summary.exported.items():
        console.print(f"{name}: {folder}", highlight=False, soft_wrap=True)


def estimate_table(found: Estimate) -> None:
    """Print what would be done."""
    table = _table(f"{found.annotations:,} annotations of {found.images:,} images")
    table.add_row("masks to make", f"{found.boxes:,}")
    table.add_row("masks that are there", f"{found.kept:,}")
    table.add_row("crowds to leave alone", f"{found.crowd:,}")
    table.add_row("to skip, before opening images", f"{sum(found.skipped.values()):,}")
    _add_reasons(table, found.skipped)
    _add_told(table, found.told)
    table.add_row("shards", f"{found.shards:,}")
    table.add_row("finished shards", f"{found.finished_shards:,}")
    console = Console()
    console.print(table)
    if found.boxes_per_second is None:
        console.print("No masks are left to make.")
    else:
        console.print(
            f"about {_duration(found.seconds_left)} at {found.boxes_per_second:.1f} boxes/s "
            f"on {found.device} in {found.precision}",
            highlight=False,
        )


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    return table


def _add_told(table: Table, told: Told | None) -> None:
    """Say what the network is told of the boxes, if it can be told anything."""
    if told is not None:
        loose = f"off by {100 * told.tightness:g} % of their sides"
        table.add_row("boxes taken to be", loose if told.tightness else "exact")
        table.add_row("neighbouring boxes shown", "yes" if told.neighbours else "no")


def _add_reasons(table: Table, reasons: dict[str, int]) -> None:
    for reason, count in reasons.items():
        table.add_row(f"  {reason}", f"{count:,}")


def _spent(summary: Summary) -> str:
    if summary.already_done:
        return f"already done; checked in {summary.seconds:.1f} s"
    spent = f"{summary.predicted:,} masks in {_duration(summary.seconds)}"
    spent += f" on {summary.device} in {summary.precision}"
    if summary.reused:
        spent += f"; {summary.reused:,} from an earlier run"
    return spent


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
