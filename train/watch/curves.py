"""Loss and IoU over the steps of a run, drawn as one PNG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 960, 340  # pixels of a plot
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 36, 36  # pixels around its frame
_TICKS = 5  # about so many on an axis
_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b")
GRID, TEXT = "#e4e4e4", "#333333"
_PLOTS = (
    ("loss", ("loss", "mask", "dice", "quality")),
    ("IoU", ("miou_overall", "miou_seen", "miou_unseen", "instance_iou")),
)

Line = list[tuple[float, float]]


@dataclass(frozen=True)
class _Frame:
    """Where a plot is drawn, and the values that its frame spans."""

    top: int
    last: float  # step
    low: float
    high: float

    def x(self, step: float) -> float:
        """Return the column of a step."""
        return LEFT + (WIDTH - LEFT - RIGHT) * step / self.last

    def y(self, value: float) -> float:
        """Return the row of a value."""
        share = (value - self.low) / (self.high - self.low)
        return self.top + HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share


def draw_curves(entries: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw what a log holds: losses above, IoU below, over the same steps."""
    image = Image.new("RGB", (WIDTH, HEIGHT * len(_PLOTS)), "white")
    draw = ImageDraw.Draw(image)
    draw.font = ImageFont.load_default(13)
    last = max((entry["step"] for entry in entries), default=0) or 1
    for place, (title, names) in enumerate(_PLOTS):
        lines = {name: _line(entries, name) for name in names}
        _plot(draw, title, {name: line for name, line in lines.items() if line}, place, last)
    image.save(path)


def ticks(low: float, high: float) -> list[float]:
    """Return round numbers that span low to high, the outermost beyond them."""
    rough = max((high - low) / _TICKS, abs(high) * 1e-3, 1e-4)  # even if nothing has moved
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first, end = math.floor(low / step + 1e-6), math.ceil(high / step - 1e-6)
    return [step * number for number in range(first, max(end, first + 1) + 1)]


def _line(entries: Sequence[dict[str, Any]], name: str) -> Line:
    return [(entry["step"], entry[name]) for entry in entries if name in entry]


def _plot(
    draw: ImageDraw.ImageDraw, title: str, lines: dict[str, Line], place: int, last: float
) -> None:
    values = [value for line in lines.values() for _, value in line] or [0.0, 1.0]
    rows = ticks(min(values), max(values))
    frame = _Frame(HEIGHT * place, last, rows[0], rows[-1])
    _axes(draw, frame, rows)
    draw.text((LEFT, frame.top + 12), title, fill=TEXT)
    across = LEFT + 60.0
    for colour, (name, line) in zip(_COLOURS, lines.items(), strict=False):
        said = f"{name} {line[-1][1]:.3f}"
        draw.text((across, frame.top + 12), said, fill=colour)
        across += draw.textlength(said) + 24
        draw.line([(frame.x(x), frame.y(y)) for x, y in line], fill=colour, width=2)
        draw.circle((frame.x(line[-1][0]), frame.y(line[-1][1])), 3, fill=colour)  # for one point


def _axes(draw: ImageDraw.ImageDraw, frame: _Frame, rows: Sequence[float]) -> None:
    lower, right = frame.y(frame.low), frame.x(frame.last)
    digits = max(0, -math.floor(math.log10(rows[1] - rows[0]) + 1e-6))
    for value in rows:
        draw.line((LEFT, frame.y(value), right, frame.y(value)), fill=GRID)
        draw.text((LEFT - 8, frame.y(value)), f"{value:.{digits}f}", fill=TEXT, anchor="rm")
    for step in ticks(0, frame.last):
        if step <= frame.last:
            draw.line((frame.x(step), frame.top + TOP, frame.x(step), lower), fill=GRID)
            draw.text((frame.x(step), lower + 6), f"{step:,.0f}", fill=TEXT, anchor="mt")
    draw.rectangle((LEFT, frame.top + TOP, right, lower), outline="#888888")
    draw.text((right, lower + 20), "step", fill=TEXT, anchor="rt")
