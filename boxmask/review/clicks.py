"""Clicks move the logits of a mask, near them and where the picture looks alike.

A click adds to them what is lacking there, and less to cells that are farther away or of another
colour. How far a click reaches goes by how far it is from the cells that are on its side already,
since people click the middle of what is wrong. `examples/clicks.py` measures it beside other ways,
which gain no more.

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
_REACH = 1.25  # standard deviation of nearness, in distances to the cells on a click's side
_LEAST, _MOST = 2.0, 40.0  # of it, in cells of 72 a side
_COLOUR = 0.5  # the difference of colours, 0 to 1 each, that counts as much
_SIDE = 72


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
    moved = logits.copy()
    for point in points:
        cell = grid.cell(point)
        if cell is not None:
            column, row = cell
            side = 1 if point.inside else -1
            lacking = max(_TARGET - side * float(moved[row, column]), 0)
            moved += np.float32(side * lacking) * _likeness(grid, moved, cell, point.inside)
    return moved


def _likeness(grid: Grid, logits: Cells, cell: tuple[int, int], inside: bool) -> Cells:
    """Tell how much each cell (M, M) goes with one that was clicked: 1 for itself, 0 not at all."""
    column, row = cell
    side = len(logits)
    down, across = np.ogrid[:side, :side]
    squared = ((across - column) ** 2 + (down - row) ** 2).astype(np.float32)
    scale = side / _SIDE
    own = squared[(logits > 0) == inside]
    away = min(float(np.sqrt(own.min(initial=np.inf))), _MOST * scale)
    reach = max(_LEAST * scale, _REACH * away)
    unlike = ((grid.colours - grid.colours[row, column]) ** 2).sum(axis=2) / _COLOUR**2
    alike: Cells = np.exp(-(squared / reach**2 + unlike) / 2).astype(np.float32)
    return alike


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
