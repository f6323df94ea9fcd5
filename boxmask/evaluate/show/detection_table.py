"""The AP of detections as a table for people, in percent."""

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table

from boxmask.evaluate.detections import RESCORED, DetectionReport
from boxmask.evaluate.show.terminal import percent

_SHOWN = ("AP", "AP50", "AP75")
_KINDS = ("masks", "boxes")
_BOTH = "score*IoU"
_RANKED_BY = {"score": "score", "predicted_iou": "IoU", "constant": "-"}


def detection_table(report: DetectionReport) -> RenderableType:
    """Lay out AP by split: of masks, then of boxes."""
    title = f"{report.ground_truth}: {report.annotations:,} annotations of {report.images:,} images"
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("split", "system", "by"):
        table.add_column(heading)
    for kind in _KINDS:
        for name in _SHOWN:
            heading = f"{kind}\n{name}" if name == _SHOWN[0] else f"\n{name}"
            table.add_column(heading, justify="right", no_wrap=True)
    for split in report.systems[0].splits if report.systems else ():
        for number, system in enumerate(report.systems):
            figures = (percent(system.splits[split][k][name]) for k in _KINDS for name in _SHOWN)
            name = system.name.removesuffix(RESCORED)
            by = _RANKED_BY[system.ap_ranked_by] if name == system.name else _BOTH
            table.add_row("" if number else split, name, by, *figures)
    left_out = [
        f"{len(names):,} of {report.images:,} images could not be used: {reason}, as {names[0]}"
        for reason, names in report.unusable.items()
    ]
    return Group(
        title, "AP in percent, of masks ranked by score or by the IoU to expect", table, *left_out
    )
