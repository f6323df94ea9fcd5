"""The charts of one system: how its IoU spreads, over sizes, and against the predicted quality.

Shapes: S instances. Values are drawn in percent.
"""

from collections.abc import Iterator

import numpy as np

from boxmask.evaluate.calibration import accepted_iou, bin_means
from boxmask.evaluate.mask_file import FloatArray
from boxmask.evaluate.means import BoolArray
from boxmask.evaluate.scoring import GroundTruth, SystemMeasurements
from boxmask.evaluate.show.svg import Chart, Tick

_PERCENT: list[Tick] = [(value / 100, str(value)) for value in range(0, 101, 20)]
_BINS = 20
_FEWEST = 5  # a mean of fewer instances says nothing, and would draw a jagged line
_CURVE_POINTS = 200
_SIDES = (4, 8, 16, 32, 64, 128, 256, 512, 1024)


def colours(ground: GroundTruth) -> dict[str, str]:
    """Choose what splits to draw, and in which of the page's colours."""
    drawn = [name for name in ground.splits if name != "overall"] or ["overall"]
    return {name: f"c{index % 6}" for index, name in enumerate(drawn)}


def charts(ground: GroundTruth, system: SystemMeasurements) -> Iterator[tuple[str, str]]:
    """Yield (title, SVG) of each chart that the system has the figures for."""
    yield "IoU of the masks", _iou_histogram(ground, system)
    yield "IoU by size", _iou_by_size(ground, system)
    if not np.isnan(system.quality).all():
        yield "Predicted and true IoU", _reliability(ground, system)
        yield "IoU of the masks kept, best predicted first", _coverage(ground, system)


def _iou_histogram(ground: GroundTruth, system: SystemMeasurements) -> str:
    """Draw the share of a split's instances in each twentieth of IoU."""
    shares = {
        name: np.histogram(system.iou[inside], bins=_BINS, range=(0, 1))[0] / inside.sum()
        for name, inside in _inside(ground, np.ones_like(system.iou, dtype=np.bool_))
    }
    top = max((float(share.max()) for share in shares.values()), default=1.0)
    step = next(step for step in (0.02, 0.05, 0.1, 0.2, 0.5) if top / step <= 6)
    ticks = [(step * i, f"{100 * step * i:.0f}") for i in range(int(np.ceil(top / step)) + 1)]
    chart = Chart((0, 1), (0, ticks[-1][0]), "IoU", "share of the masks", _PERCENT, ticks)
    for name, share in shares.items():
        edges = np.repeat(np.linspace(0, 1, _BINS + 1), 2)
        heights = np.concatenate([[0], np.repeat(share, 2), [0]])
        chart.line(zip(edges, heights, strict=True), colours(ground)[name])
    return chart.render("Histogram of IoU by split")


def _iou_by_size(ground: GroundTruth, system: SystemMeasurements) -> str:
    """Draw the mean IoU over the size of the true mask, the side of a square as large."""
    side = np.log2(np.sqrt(np.maximum(ground.areas, 1)))
    low, high = np.floor(side.min()), max(np.ceil(side.max()), np.floor(side.min()) + 1)
    ticks = [(float(np.log2(s)), str(s)) for s in _SIDES if low <= np.log2(s) <= high]
    chart = Chart(
        (low, high), (0, 1), "side of the mask, pixels (square root of area)", "mean IoU",
        ticks, _PERCENT,
    )  # fmt: skip
    edges = np.arange(low, high + 0.5, 0.5)
    for name, inside in _inside(ground, np.ones_like(system.iou, dtype=np.bool_)):
        place = np.digitize(side[inside], edges) - 1
        counts = np.bincount(place, minlength=len(edges))
        full = counts >= _FEWEST
        mean = np.bincount(place, system.iou[inside], len(edges))[full] / counts[full]
        points = list(zip(edges[full] + 0.25, mean, strict=True))
        chart.line(points, colours(ground)[name])
        chart.dots(((x, y, 3.0) for x, y in points), colours(ground)[name])
    return chart.render("Mean IoU by size and split")


def _reliability(ground: GroundTruth, system: SystemMeasurements) -> str:
    """Draw the true over the predicted IoU, in tenths; dots grow with the instances in them."""
    chart = Chart((0, 1), (0, 1), "predicted IoU", "true IoU", _PERCENT, _PERCENT)
    chart.line([(0, 0), (1, 1)], "ideal")
    for name, inside in _inside(ground, ~np.isnan(system.quality)):
        predicted, true, counts = bin_means(system.quality[inside], system.iou[inside])
        radii = 2 + 8 * np.sqrt(counts / counts.sum())
        colour = colours(ground)[name]
        chart.line(zip(predicted, true, strict=True), colour)
        chart.dots(zip(predicted, true, radii, strict=True), colour)
    return chart.render("Calibration of the predicted IoU by split")


def _coverage(ground: GroundTruth, system: SystemMeasurements) -> str:
    """Draw the mean IoU of the best predicted masks over their share of all."""
    curves: dict[str, FloatArray] = {
        name: accepted_iou(system.quality[inside], system.iou[inside])
        for name, inside in _inside(ground, ~np.isnan(system.quality))
    }
    floor = min(float(np.floor(10 * curve.min()) / 10) for curve in curves.values())
    low = min(floor, 0.8)
    step = 10 if low >= 0.5 else 20
    ticks = [(v / 100, str(v)) for v in range(0, 101, step) if v / 100 >= low]
    chart = Chart((0, 1), (low, 1), "share of the masks kept", "mean IoU", _PERCENT, ticks)
    for name, curve in curves.items():
        picked = np.unique(np.linspace(0, len(curve) - 1, _CURVE_POINTS).astype(int))
        chart.line(
            zip((picked + 1) / len(curve), curve[picked], strict=True), colours(ground)[name]
        )
    return chart.render("Mean IoU over coverage by split")


def _inside(ground: GroundTruth, known: BoolArray) -> Iterator[tuple[str, BoolArray]]:
    """Yield the instances (S,) of each drawn split that has any."""
    for name in colours(ground):
        inside = ground.inside(ground.splits[name]) & known
        if inside.any():
            yield name, inside
