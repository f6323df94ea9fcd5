"""The report as tables for people, in percent."""

import math
from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from boxmask.dataset import Id
from boxmask.evaluate.average_precision import AP_NAMES
from boxmask.evaluate.means import SIZES
from boxmask.evaluate.metrics import METRICS, Metric
from boxmask.evaluate.report import Difference, EvaluationReport, Interval, SystemScore

_NAME_WIDTH = 12
_NONE = "–"  # noqa: RUF001
# Mean IoUs of boxes that differ by less are those of the same boxes, written with fewer digits.
_SAME = 0.0005


def percent(value: float, *, signed: bool = False) -> str:
    """Write a fraction in percent with one decimal, a dash where there is none."""
    if math.isnan(value):
        return _NONE
    return f"{100 * value:+.1f}" if signed else f"{100 * value:.1f}"


def format_number(value: float, digits: int) -> str:
    """Write a number as it is, a dash where there is none."""
    return _NONE if math.isnan(value) else f"{value:.{digits}f}"


def format_mean(value: float, metric: Metric) -> str:
    """Write the mean of a metric as the metric is shown."""
    return percent(value) if metric.percent else format_number(value, 1)


def format_interval(interval: Interval, *, signed: bool = False) -> str:
    """Write an interval in percent."""
    return f"[{percent(interval[0], signed=signed)}, {percent(interval[1], signed=signed)}]"


def tables(report: EvaluationReport, *, by_class: bool = False) -> RenderableType:
    """Lay the whole report out as tables, with what was left out below."""
    parts: list[RenderableType] = [heading(report), _iou_table(report), _ap_table(report)]
    if with_quality(report):
        parts.append(_calibration_table(report))
    if report.differences:
        parts.append(_difference_table(report.differences))
    if by_class:
        parts.append(_class_table(report.systems))
    return Group(*parts, *notes(report))


def heading(report: EvaluationReport) -> str:
    """Say how much was scored."""
    sizes = (
        f"{name} {size.instances:,} masks of {size.categories} classes"
        for name, size in report.splits.items()
    )
    seen = "" if report.seen is None else f" (seen: {report.seen})"
    counted = f"{report.ground_truth}: {report.images:,} images; {', '.join(sizes)}{seen}."
    return " ".join((counted, *_circumstances(report)))


def _circumstances(report: EvaluationReport) -> Iterator[str]:
    """Say which boxes network and baselines saw, and what the network knew of them."""
    if report.loosening is not None:
        yield (
            f"Boxes moved by a normal error of {percent(report.loosening.fraction)} % of each side "
            f"(seed {report.loosening.seed}): mean IoU with the true ones "
            f"{percent(report.loosening.box_iou)}."
        )
    if report.told is not None:
        loose = f"off by {percent(report.told.tightness)} % of each side"
        yield (
            f"The network took boxes to be {loose if report.told.tightness else 'exact'}, and was "
            f"{'shown' if report.told.neighbours else 'not shown'} neighbouring boxes."
        )


def notes(report: EvaluationReport) -> Iterator[str]:
    """Say in sentences what was not scored, and what was scored as zero."""
    if report.rectangles:
        yield f"{report.rectangles:,} of the true masks are just a box, with four corners."
    if report.left_out:
        counts = ", ".join(f"{count} {reason}" for reason, count in report.left_out.items())
        yield f"Not scored: {counts}."
    expected = report.loosening.box_iou if report.loosening else 1.0
    for system in report.systems:
        if abs(system.box_iou - expected) > _SAME:
            yield (
                f"{system.name}: its boxes have a mean IoU of {percent(system.box_iou)} with the "
                "true ones."
            )
        if system.missing:
            number = sum(system.missing.values())
            reasons = ", ".join(f"{count} {reason}" for reason, count in system.missing.items())
            yield (
                f"{system.name}: {number} instances have no prediction and "
                f"count as IoU 0 ({reasons}): {_listed(system.missing_ids, number)}."
            )
        if system.extra:
            yield (
                f"{system.name}: {system.extra} predictions have no true instance and count in "
                f"AP alone: {_listed(system.extra_ids, system.extra)}."
            )


def with_quality(report: EvaluationReport) -> list[SystemScore]:
    """Return the systems that predict how good their masks are."""
    return [system for system in report.systems if system.splits["overall"].calibration]


def further_metrics(report: EvaluationReport) -> dict[str, Metric]:
    """Return what has a column beside those of IoU: the other metrics of a report."""
    return {name: METRICS[name] for name in report.metrics if name != "iou" and name in METRICS}


def rows(
    report: EvaluationReport, systems: list[SystemScore] | None = None
) -> Iterator[tuple[str, SystemScore, bool]]:
    """Yield (split, system, whether it is the split's first) for each line of a table."""
    for split in report.splits:
        for index, system in enumerate(report.systems if systems is None else systems):
            yield split, system, index == 0


def _listed(ids: list[Id], number: int) -> str:
    more = f" and {number - len(ids)} more" if number > len(ids) else ""
    return ", ".join(repr(id) for id in ids) + more


def _iou_table(report: EvaluationReport) -> Table:
    table = _table("Mask IoU, each true mask with the prediction of the same id")
    metrics = further_metrics(report)
    _add_columns(table, "class\nmean", "95 %", "inst.\nmean")
    _add_columns(table, *(metric.heading for metric in metrics.values()), "S", "M", "L")
    for split, system, first in rows(report):
        found = system.splits[split]
        table.add_row(
            split if first else "",
            system.name,
            Text(percent(found.iou.class_mean), "bold"),
            Text(format_interval(found.iou.class_mean_95), "dim"),
            percent(found.iou.instance_mean),
            *(format_mean(found.means[name].class_mean, metrics[name]) for name in metrics),
            *(percent(found.sizes[size].class_mean) for size in SIZES),
            end_section=system is report.systems[-1],
        )
    for system in report.systems:
        if system.gap is not None:
            table.add_row(
                "gap" if system is report.systems[0] else "",
                system.name,
                percent(system.gap.class_mean, signed=True),
                Text(format_interval(system.gap.class_mean_95, signed=True), "dim"),
                percent(system.gap.instance_mean, signed=True),
            )
    titles = [metric.title.capitalize() for metric in metrics.values()]
    table.caption = (
        "Class mean: over the classes of the split; inst.: over its masks. 95 %: bootstrap over "
        f"images. {', '.join([*titles, 'S', 'M', 'L'])}: class means. Gap: seen minus unseen."
    )
    return table


def _ap_table(report: EvaluationReport) -> Table:
    table = _table("Mask AP, as pycocotools computes it")
    _add_columns(table, *AP_NAMES)
    table.add_column("ranked by", no_wrap=True, vertical="bottom")
    for split, system, first in rows(report):
        table.add_row(
            split if first else "",
            system.name,
            *(percent(system.splits[split].ap[name]) for name in AP_NAMES),
            system.ap_ranked_by,
            end_section=system is report.systems[-1],
        )
    return table


def _calibration_table(report: EvaluationReport) -> Table:
    table = _table("Predicted against true IoU")
    _add_columns(table, "ECE", "mean\nerror", "rank\ncorr.", "AURC")
    _add_columns(table, "best\n50 %", "best\n80 %", "best\n90 %", "all")
    systems = with_quality(report)
    for split, system, first in rows(report, systems):
        found = system.splits[split].calibration
        if found is not None:
            kept = (found.accepted_iou[share] for share in ("0.50", "0.80", "0.90", "1.00"))
            table.add_row(
                split if first else "",
                system.name,
                percent(found.expected_calibration_error),
                percent(found.mean_error, signed=True),
                format_number(found.spearman, 2),
                percent(found.aurc),
                *(percent(iou) for iou in kept),
                end_section=system is systems[-1],
            )
    table.caption = "ECE: expected calibration error. Best n %: mean IoU of the best predicted."
    return table


def _difference_table(differences: list[Difference]) -> Table:
    table = _table(f"IoU of {differences[0].first} minus another's, on the same instances")
    _add_columns(table, "class\nmean", "95 %", "inst.\nmean", "better", "worse")
    for split in differences[0].splits:
        for difference in differences:
            found = difference.splits[split]
            table.add_row(
                split if difference is differences[0] else "",
                f"-{difference.second}",
                Text(percent(found.iou.class_mean, signed=True), "bold"),
                Text(format_interval(found.iou.class_mean_95, signed=True), "dim"),
                percent(found.iou.instance_mean, signed=True),
                percent(found.better),
                percent(found.worse),
                end_section=difference is differences[-1],
            )
    table.caption = "Better and worse: percent of the instances."
    return table


def _class_table(systems: list[SystemScore]) -> Table:
    table = _table("Each class", "class")
    _add_columns(table, "masks", "mean\nIoU", "AP")
    for place, found in enumerate(systems[0].classes):
        for system in systems:
            score = system.classes[place]
            table.add_row(
                found.name if system is systems[0] else "",
                system.name,
                f"{score.instances:,}",
                percent(score.iou),
                percent(score.ap),
                end_section=system is systems[-1],
            )
    return table


def _table(title: str, first: str = "split") -> Table:
    table = Table(title=f"\n{title}", title_justify="left", caption_justify="left", box=SIMPLE_HEAD)
    table.title_style, table.caption_style = "bold", "dim"
    table.pad_edge, table.padding, table.show_edge = False, (0, 1, 0, 0), False
    table.add_column(first, no_wrap=True, vertical="bottom")
    table.add_column("system", overflow="fold", vertical="bottom", min_width=_NAME_WIDTH)
    return table


def _add_columns(table: Table, *names: str) -> None:
    for name in names:
        table.add_column(name, justify="right", no_wrap=True, vertical="bottom")
