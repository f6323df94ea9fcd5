"""The tables of the page: the same figures as in the terminal, with their intervals drawn."""

import math
from collections.abc import Iterable, Iterator
from html import escape

from boxmask.evaluate.average_precision import AP_NAMES
from boxmask.evaluate.means import SIZES
from boxmask.evaluate.report import ClassScore, Difference, EvaluationReport, Interval, SystemScore
from boxmask.evaluate.show.svg import whisker
from boxmask.evaluate.show.terminal import (
    format_interval,
    format_mean,
    format_number,
    further_metrics,
    percent,
    rows,
    with_quality,
)

_MAX_CLASSES = 120
_DIFFERENCES = (-0.3, 0.3)  # the range of the strips that show differences

_Cells = tuple[str, ...]


def tables(report: EvaluationReport) -> Iterator[str]:
    """Yield every table that the report has the figures for."""
    titles = [metric.title for metric in further_metrics(report).values()]
    yield _table(
        "Mask IoU",
        ("split", "system", "class mean", "", "95 %", "instance mean", *titles, *SIZES),
        [*_iou_rows(report), *_gap_rows(report)],
    )
    if report.differences:
        columns = ("class mean", "", "95 %", "instance mean", "95 %", "better", "worse")
        yield _table(
            f"IoU of {report.differences[0].first} minus another's, on the same instances",
            ("split", "minus", *columns),
            _difference_rows(report.differences),
        )
    yield _table("Mask AP", ("split", "system", *AP_NAMES, "ranked by"), _ap_rows(report))
    if with_quality(report):
        columns = ("ECE", "mean error", "rank correlation", "AURC", "best 50 %", "best 90 %", "all")
        yield _table(
            "Predicted against true IoU", ("split", "system", *columns), _calibration_rows(report)
        )


def class_bars(score: SystemScore) -> str:
    """List the classes with their mean IoU as bars, worst first."""
    classes = sorted(score.classes, key=lambda found: found.iou)
    shown = classes[:_MAX_CLASSES]
    which = f"The {len(shown)} worst of {len(classes)} classes" if shown != classes else "Classes"
    return (
        f"<h2>{which}: mean IoU, number of masks</h2>"
        f'<div class="classes">{"".join(map(_bar, shown))}</div>'
    )


def _bar(found: ClassScore) -> str:
    colour = "c1" if found.seen is False else "c0"
    return (
        f'<div><span class="name">{escape(found.name or str(found.id))}</span>'
        f'<span class="track"><i class="{colour}" style="width:{100 * found.iou:.1f}%"></i></span>'
        f"<span>{percent(found.iou)}</span><small>{found.instances}</small></div>"
    )


def _iou_rows(report: EvaluationReport) -> Iterator[_Cells]:
    metrics = further_metrics(report)
    for split, system, first in rows(report):
        found = system.splits[split]
        size = report.splits[split]
        amount = f"<small>{size.instances:,} masks, {size.categories} classes</small>"
        yield (
            f"{escape(split)}{amount}" if first else "",
            escape(system.name),
            f"<b>{percent(found.iou.class_mean)}</b>",
            _strip(found.iou.class_mean, found.iou.class_mean_95, (0, 1)),
            format_interval(found.iou.class_mean_95),
            percent(found.iou.instance_mean),
            *(format_mean(found.means[name].class_mean, metrics[name]) for name in metrics),
            *(percent(found.sizes[name].class_mean) for name in SIZES),
        )


def _gap_rows(report: EvaluationReport) -> Iterator[_Cells]:
    for system in report.systems:
        if system.gap is not None:
            yield (
                "seen &minus; unseen" if system is report.systems[0] else "",
                escape(system.name),
                f"<b>{percent(system.gap.class_mean, signed=True)}</b>",
                _strip(system.gap.class_mean, system.gap.class_mean_95, _DIFFERENCES),
                format_interval(system.gap.class_mean_95, signed=True),
                percent(system.gap.instance_mean, signed=True),
                *[""] * (len(further_metrics(report)) + len(SIZES)),
            )


def _difference_rows(differences: list[Difference]) -> Iterator[_Cells]:
    for split in differences[0].splits:
        for difference in differences:
            found = difference.splits[split]
            yield (
                escape(split) if difference is differences[0] else "",
                escape(difference.second),
                f"<b>{percent(found.iou.class_mean, signed=True)}</b>",
                _strip(found.iou.class_mean, found.iou.class_mean_95, _DIFFERENCES),
                format_interval(found.iou.class_mean_95, signed=True),
                percent(found.iou.instance_mean, signed=True),
                format_interval(found.iou.instance_mean_95, signed=True),
                percent(found.better),
                percent(found.worse),
            )


def _ap_rows(report: EvaluationReport) -> Iterator[_Cells]:
    for split, system, first in rows(report):
        ap = system.splits[split].ap
        yield (
            escape(split) if first else "",
            escape(system.name),
            *(percent(ap[name]) for name in AP_NAMES),
            system.ap_ranked_by.replace("_", " "),
        )


def _calibration_rows(report: EvaluationReport) -> Iterator[_Cells]:
    for split, system, first in rows(report, with_quality(report)):
        found = system.splits[split].calibration
        if found is not None:
            yield (
                escape(split) if first else "",
                escape(system.name),
                percent(found.expected_calibration_error),
                percent(found.mean_error, signed=True),
                format_number(found.spearman, 2),
                percent(found.aurc),
                *(percent(found.accepted_iou[share]) for share in ("0.50", "0.90", "1.00")),
            )


def _strip(mean: float, interval: Interval, span: tuple[float, float]) -> str:
    return "" if math.isnan(mean) else whisker(interval[0], mean, interval[1], span)


def _table(title: str, columns: Iterable[str], lines: Iterable[_Cells]) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        f"<tr{' class=first' if row[0] else ''}>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>"
        for row in lines
    )
    return (
        f'<h2>{escape(title)}</h2><div class="scroll"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
