"""Loss and IoU over the steps of a run, drawn as one PNG."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

WIDTH, HEIGHT, MARGIN = 900, 300, 48  # pixels of a plot
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b")
PLOTS = (
    ("loss", ("loss", "mask", "dice", "quality")),
    ("IoU", ("miou_overall", "miou_seen", "miou_unseen", "instance_iou")),
)

Line = list[tuple[float, float]]


def draw_curves(entries: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw what a log holds: losses above, IoU below."""
    image = Image.new("RGB", (WIDTH, HEIGHT * len(PLOTS)), "white")
    draw = ImageDraw.Draw(image)
    for place, (title, names) in enumerate(PLOTS):
        lines = {name: _line(entries, name) for name in names}
        _plot(draw, title, {name: line for name, line in lines.items() if line}, HEIGHT * place)
    image.save(path)


def _line(entries: Sequence[dict[str, Any]], name: str) -> Line:
    return [(entry["step"], entry[name]) for entry in entries if name in entry]


def _plot(draw: ImageDraw.ImageDraw, title: str, lines: dict[str, Line], top: int) -> None:
    left, right = MARGIN, WIDTH - MARGIN // 2
    upper, lower = top + MARGIN // 2, top + HEIGHT - MARGIN // 2
    draw.rectangle((left, upper, right, lower), outline="#888888")
    draw.text((left, top + 6), title, fill="black")
    points = [point for line in lines.values() for point in line]
    if not points:
        return
    last = max(x for x, _ in points) or 1
    low, high = min(y for _, y in points), max(y for _, y in points)
    span = (high - low) or 1

    def place(x: float, y: float) -> tuple[float, float]:
        return left + (right - left) * x / last, lower - (lower - upper) * (y - low) / span

    draw.text((2, upper), f"{high:.3f}", fill="black")
    draw.text((2, lower - 10), f"{low:.3f}", fill="black")
    draw.text((right - 60, lower + 4), f"step {last:.0f}", fill="black")
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        draw.text((left + 60 + 120 * number, top + 6), f"{name} {line[-1][1]:.3f}", fill=colour)
        draw.line([place(x, y) for x, y in line], fill=colour, width=2)
        draw.circle(place(*line[-1]), 3, fill=colour)  # a single point is no line
