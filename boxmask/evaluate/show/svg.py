"""Small charts as inline SVG: a frame with axes, and what is drawn in it. Colours are CSS's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 46, 18, 14, 42

Point = tuple[float, float]
Tick = tuple[float, str]


@dataclass
class Chart:
    """A chart that fills up as series are drawn into it; x and y run over the given ranges."""

    x_range: tuple[float, float]
    y_range: tuple[float, float]
    x_label: str
    y_label: str
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    marks: list[str] = field(default_factory=list)

    def line(self, points: Iterable[Point], colour: str) -> None:
        """Join points by a line."""
        path = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in points)
        self.marks.append(f'<polyline class="line {colour}" points="{path}"/>')

    def dots(self, points: Iterable[tuple[float, float, float]], colour: str) -> None:
        """Draw (x, y, radius in pixels) dots."""
        for x, y, radius in points:
            self.marks.append(
                f'<circle class="dot {colour}" cx="{self._x(x):.1f}" cy="{self._y(y):.1f}" '
                f'r="{radius:.1f}"/>'
            )

    def render(self, title: str) -> str:
        """Return the chart as one <svg> element."""
        return (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
            f"{''.join(self._axes())}{''.join(self.marks)}</svg>"
        )

    def _x(self, value: float) -> float:
        low, high = self.x_range
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def _y(self, value: float) -> float:
        low, high = self.y_range
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    def _axes(self) -> Iterable[str]:
        bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
        for value, text in self.x_ticks:
            x = f"{self._x(value):.1f}"
            yield f'<line class="grid" x1="{x}" x2="{x}" y1="{TOP}" y2="{bottom}"/>'
            yield f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">{escape(text)}</text>'
        for value, text in self.y_ticks:
            y = f"{self._y(value):.1f}"
            yield f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y}" y2="{y}"/>'
            yield f'<text x="{LEFT - 6}" y="{y}" dy="4" text-anchor="end">{escape(text)}</text>'
        middle = (LEFT + right) / 2
        yield (
            f'<text class="label" x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">'
            f"{escape(self.x_label)}</text>"
        )
        yield (
            f'<text class="label" transform="translate(12 {(TOP + bottom) / 2}) rotate(-90)" '
            f'text-anchor="middle">{escape(self.y_label)}</text>'
        )


def whisker(low: float, mean: float, high: float, span: tuple[float, float]) -> str:
    """Draw a mean with its interval as a small strip, over a range of values."""

    def place(value: float) -> float:
        return 4 + 112 * min(max((value - span[0]) / (span[1] - span[0]), 0), 1)

    zero = f'<line class="zero" x1="{place(0):.1f}" x2="{place(0):.1f}" y1="1" y2="15"/>'
    return (
        f'<svg class="whisker" viewBox="0 0 120 16" aria-hidden="true">'
        f"{zero if span[0] < 0 else ''}"
        f'<line class="strip" x1="4" x2="116" y1="8" y2="8"/>'
        f'<line class="span" x1="{place(low):.1f}" x2="{place(high):.1f}" y1="8" y2="8"/>'
        f'<circle cx="{place(mean):.1f}" cy="8" r="3.5"/></svg>'
    )
