"""Clicks move the logits of a mask, near them and where the picture looks alike.

What the network says is taken as the mean of a Gaussian process, and a click as an observation of
what it should have said. Cells vary together where a short path leads from one to the other that
crosses no edge of colour and no sure outline. How far a click reaches goes by how far it is from
the cells that are on its side already, since people click the middle of what is wrong.
`examples/clicks.py` measures it beside other ways.

Letters: M the side of the grid, P clicks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from boxmask.window import Window

Cells = npt.NDArray[np.float32]
Bits = npt.NDArray[np.bool_]

_TARGET = 2.0  # the logit of a cell that was clicked, at least
_REACH = 1.5  # standard deviation of nearness, in distances to the cells on a click's side
_LEAST, _MOST = 2.0, 40.0  # of it, in cells of 72 a side
_SETTLED = 8.0  # the same for a click that is on its side already
_STEP = 0.05  # length of a path over one cell of 72 a side
_COLOUR = 1.2  # and for a difference of colours, 0 to 1 each
_DOUBT = 0.1  # and for a difference of logits
_FAR = 1.5  # standard deviation of the lengths of paths
_SUREST = 6.0  # logits beyond are all the same
_NOISE = 1e-3
_SIDE = 72
_ENDLESS = 1e3


class Point(NamedTuple):
    """A click, in pixels of the upright image."""

    x: float
    y: float
    inside: bool  # what the mask is to be there


@dataclass(frozen=True, eq=False)
class Grid:
    """What the network says in the cells of a frame."""

    logits: Cells  # (M, M), above 0 in the mask
    colours: Cells  # (M, M, 3), 0 to 1
    frame: npt.NDArray[np.float64]  # (4,) x0, y0, x1, y1 in pixels

    def cell(self, point: Point) -> tuple[int, int] | None:
        """Return the column and the row of a click; None if it is elsewhere."""
        x0, y0, x1, y1 = self.frame.tolist()
        side = len(self.logits)
        column = int(np.floor((point.x - x0) / (x1 - x0) * side))
        row = int(np.floor((point.y - y0) / (y1 - y0) * side))
        return (column, row) if 0 <= column < side and 0 <= row < side else None

    def agreeing(self, before: Window) -> Cells:
        """Return the logits as they would be had the network made the mask `before`."""
        held = self._sampled(before)
        doubt = np.minimum(np.abs(self.logits), 1)
        return np.where(held == (self.logits > 0), self.logits, np.where(held, doubt, -doubt))

    def _sampled(self, mask: Window) -> Bits:
        """Read a mask at the middles of the cells (M, M)."""
        x0, y0, x1, y1 = self.frame.tolist()
        middles = (np.arange(len(self.logits)) + 0.5) / len(self.logits)
        columns = np.floor(x0 + (x1 - x0) * middles).astype(np.intp) - mask.x
        rows = np.floor(y0 + (y1 - y0) * middles).astype(np.intp) - mask.y
        w, h = mask.bits.shape
        across, down = (columns >= 0) & (columns < w), (rows >= 0) & (rows < h)
        held = np.zeros_like(self.logits, dtype=np.bool_)
        held[np.ix_(down, across)] = mask.bits[np.ix_(columns[across], rows[down])].T
        return held


def moved_by_clicks(grid: Grid, logits: Cells, points: Sequence[Point]) -> Cells:
    """Return the logits (M, M) as the clicks have it; `logits` are those without them."""
    placed = [(cell, point.inside) for point in points if (cell := grid.cell(point)) is not None]
    if not placed:
        return logits
    steps = _steps(grid.colours, logits)
    nearness = np.stack([_nearness(logits, steps, *click) for click in placed])  # (P, M, M)
    columns, rows = np.array([cell for cell, _ in placed]).T
    sides = np.array([1 if inside else -1 for _, inside in placed])
    said = logits[rows, columns]
    lacking = sides * np.maximum(_TARGET - sides * said, 0)
    covariance = nearness[:, rows, columns].T + _NOISE * np.eye(len(placed))
    weights = np.linalg.lstsq(covariance, lacking, rcond=None)[0]
    moved: Cells = logits + np.tensordot(weights, nearness, axes=1).astype(np.float32)
    return moved


def _nearness(
    logits: Cells, steps: tuple[Cells, Cells], cell: tuple[int, int], inside: bool
) -> Cells:
    """Tell how much each cell (M, M) goes with one that was clicked: 1 for itself, 0 not at all."""
    column, row = cell
    side = len(logits)
    down, across = np.ogrid[:side, :side]
    squared = ((across - column) ** 2 + (down - row) ** 2).astype(np.float32)
    scale = side / _SIDE
    reach = _SETTLED * scale
    if (logits[row, column] > 0) != inside:
        own = squared[(logits > 0) == inside]
        away = min(float(np.sqrt(own.min(initial=np.inf))), _MOST * scale)
        reach = max(_LEAST * scale, _REACH * away)
    length = _path_lengths((row, column), *steps)
    near: Cells = np.exp(-(squared / reach**2 + (length / _FAR) ** 2) / 2).astype(np.float32)
    return near


def _steps(colours: Cells, logits: Cells) -> tuple[Cells, Cells]:
    """Return the lengths of the steps down (M - 1, M) and across (M, M - 1) between cells."""
    sure = np.clip(logits, -_SUREST, _SUREST)
    least = _STEP * _SIDE / len(logits)
    down, across = (
        _COLOUR * np.sqrt((np.diff(colours, axis=axis) ** 2).sum(axis=2))
        + _DOUBT * np.abs(np.diff(sure, axis=axis))
        + least
        for axis in (0, 1)
    )
    return down, across


def _path_lengths(start: tuple[int, int], down: Cells, across: Cells) -> Cells:
    """Return how long the shortest path is from a cell to each (M, M), by the steps between."""
    side = len(across)
    length = np.full((side, side), _ENDLESS, np.float32)
    length[start] = 0
    before = np.zeros_like(length)
    while not np.array_equal(before, length):
        before = length.copy()
        np.minimum(length[1:], length[:-1] + down, out=length[1:])
        np.minimum(length[:-1], length[1:] + down, out=length[:-1])
        np.minimum(length[:, 1:], length[:, :-1] + across, out=length[:, 1:])
        np.minimum(length[:, :-1], length[:, 1:] + across, out=length[:, :-1])
    return length


def obey(mask: Window, points: Sequence[Point], *, radius: float) -> None:
    """Paint a disc at each click that is on the wrong side; of two on one pixel the last counts."""
    w, h = mask.bits.shape
    pixels = [(int(point.x) - mask.x, int(point.y) - mask.y, point.inside) for point in points]
    for x, y, inside in pixels:
        if 0 <= x < w and 0 <= y < h and mask.bits[x, y] != inside:
            across, down = np.ogrid[:w, :h]
            mask.bits[(across - x) ** 2 + (down - y) ** 2 <= radius**2] = inside
    for x, y, inside in pixels:
        if 0 <= x < w and 0 <= y < h:
            mask.bits[x, y] = inside
