"""The ranking: how far each row is ahead of the reference on classes whose masks it never saw.

Letters: N boxes of the validation split, C categories, B bootstrap draws of its images. A mean is
over the instances of a class, then over the classes; then over both directions of the split, so a
seed counts that was run in both.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from contest import (
    BUDGETS,
    DIRECTIONS,
    FLOORS,
    LEARNT_FROM_NOTHING,
    REFERENCE,
    ROWS,
    Run,
    Settings,
    cost,
    width_of,
)
from ledger import Boxes, Measured, Scores

from boxmask.evaluate.bootstrap import draw_sums, interval
from boxmask.evaluate.calibration import Calibration, calibrate
from boxmask.evaluate.means import class_sums
from boxmask.evaluate.report import Interval

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A mean, its interval over images and, where runs are compared, its value for each seed."""

    value: float
    interval: Interval
    seeds: tuple[float, ...] = ()

    @property
    def clear(self) -> bool:
        """Whether neither other images nor another seed would turn its sign."""
        low, high = self.interval
        signs = {np.sign(value) for value in (low, high, *self.seeds)}
        return signs in ({1.0}, {-1.0}) and len(self.seeds) > 1


@dataclass(frozen=True)
class Way:
    """A row in one direction."""

    seen: float
    unseen: Figure


@dataclass(frozen=True)
class Standing:
    """A row under a budget. Figures of single boxes are fractions of 1."""

    row: str
    seeds: int
    parameters: int
    multiply_adds: int
    lead: Figure | None
    """On unseen classes against the reference, over the seeds that both were run with."""
    seen_lead: Figure | None
    """The same on seen classes."""
    ways: dict[str, Way]
    boundary: float
    loose: float
    calibration: Calibration | None
    """Of unseen classes."""

    @property
    def unseen(self) -> float:
        """The IoU on unseen classes."""
        return _mean(way.unseen.value for way in self.ways.values())

    @property
    def gap(self) -> float:
        """How far unseen classes are behind, over both directions: how hard they are cancels."""
        return _mean(way.seen - way.unseen.value for way in self.ways.values())


class Standings:
    """All that is done, under each budget."""

    def __init__(self, found: dict[Run, Measured], boxes: Boxes, settings: Settings) -> None:
        self.found = _whole(found)
        self.rows = {run.row for run in self.found}
        self.settings = settings
        self.image, self.category = np.array(boxes.image), np.array(boxes.category)
        self.voc = np.array(boxes.voc)

    def all(self) -> dict[str, list[Standing]]:
        """Rank the rows under each budget, best on unseen classes first.

        Equal multiply-adds are told of once a row has another width for them.
        """
        ranked = {budget: self._rank(budget) for budget in BUDGETS}
        if not any(self._widened(row.row) for row in ranked["cost"]):
            del ranked["cost"]
        return ranked

    def _widened(self, row: str) -> bool:
        return row in ROWS and width_of(row, "cost", self.settings) != self.settings.width

    def _rank(self, budget: str) -> list[Standing]:
        rows = [row for row in (*ROWS, *FLOORS) if row in self.rows and self._ways(row, budget)]
        standings = [self._standing(row, budget) for row in rows]
        return sorted(standings, key=lambda one: -one.unseen)

    def _ways(self, row: str, budget: str) -> list[str]:
        return [way for way in DIRECTIONS if self._seeds(row, budget, way)]

    def _seeds(self, row: str, budget: str, way: str) -> dict[int, Measured]:
        """Return what was measured of a row by seed."""
        width = width_of(row, budget, self.settings)
        ways = (way, LEARNT_FROM_NOTHING)
        return {
            run.seed: measured
            for run, measured in self.found.items()
            if (run.row, run.width) == (row, width) and run.seen in ways
        }

    def _standing(self, row: str, budget: str) -> Standing:
        width = width_of(row, budget, self.settings)
        price = None if row in FLOORS else cost(row, width, self.settings)
        ways, compared = self._ways(row, budget), row != REFERENCE and row in ROWS
        runs = {way: list(self._seeds(row, budget, way).values()) for way in ways}
        exact = {way: [one.exact for one in runs[way]] for way in ways}
        loose = {way: _average([one.loose.iou for one in runs[way]]) for way in ways}
        edges = {way: _average([one.boundary for one in exact[way]]) for way in ways}
        return Standing(
            row,
            min(map(len, runs.values())),
            price.parameters if price else 0,
            price.per_box if price else 0,
            self._lead(row, budget, seen=False) if compared else None,
            self._lead(row, budget, seen=True) if compared else None,
            {way: self._way(_average([one.iou for one in exact[way]]), way) for way in ways},
            _mean(self._class_mean(edges[way], self._unseen(way)) for way in ways),
            _mean(self._class_mean(loose[way], self._unseen(way)) for way in ways),
            self._calibration(exact),
        )

    def _way(self, iou: Floats, way: str) -> Way:
        unseen = self._unseen(way)
        drawn = self._draws(iou, unseen)
        figure = Figure(self._class_mean(iou, unseen), interval(drawn))
        return Way(self._class_mean(iou, ~unseen), figure)

    def _lead(self, row: str, budget: str, *, seen: bool) -> Figure | None:
        """Compare with the reference on either classes, box by box and seed by seed."""
        pairs = {
            way: (self._seeds(row, budget, way), self._seeds(REFERENCE, budget, way))
            for way in self._ways(row, budget)
        }
        shared = set.intersection(*(set(mine) & set(theirs) for mine, theirs in pairs.values()))
        if not shared:
            return None
        exact, drawn = [], []
        for way, (mine, theirs) in pairs.items():
            ahead = [
                _array(mine[seed].exact.iou) - _array(theirs[seed].exact.iou)
                for seed in sorted(shared)
            ]
            split = self._unseen(way) ^ seen
            exact.append([self._class_mean(one, split) for one in ahead])
            drawn.append(self._draws(np.mean(ahead, axis=0), split))
        seeds = np.mean(exact, axis=0)
        return Figure(float(seeds.mean()), interval(np.mean(drawn, axis=0)), tuple(seeds.tolist()))

    def _calibration(self, exact: dict[str, list[Scores]]) -> Calibration | None:
        """Compare expected with true IoU over all runs' boxes of unseen classes."""
        expected, iou = [], []
        for way, runs in exact.items():
            inside = self._unseen(way)[self.category]
            for run in runs:
                if None not in run.expected:
                    expected.append(np.array(run.expected, dtype=np.float64)[inside])
                    iou.append(_array(run.iou)[inside])
        return calibrate(np.concatenate(expected), np.concatenate(iou)) if expected else None

    def _unseen(self, way: str) -> npt.NDArray[np.bool_]:
        return ~self.voc if way == "voc" else self.voc

    def _class_mean(self, values: Floats, split: npt.NDArray[np.bool_]) -> float:
        return float(class_sums(values, self.category, len(self.voc)).class_mean(split))

    def _draws(self, values: Floats, split: npt.NDArray[np.bool_]) -> Floats:
        drawn = draw_sums(values, self.image, self.category, len(self.voc))
        return drawn.class_mean(split)


def _whole(found: dict[Run, Measured]) -> dict[Run, Measured]:
    """Leave out the runs of a row and a seed that were not done in both directions yet."""
    done = Counter((run.row, run.width, run.seed) for run in found if run.row in ROWS)
    return {
        run: measured
        for run, measured in found.items()
        if run.row in FLOORS or done[run.row, run.width, run.seed] == len(DIRECTIONS)
    }


def _array(values: Sequence[float]) -> Floats:
    return np.array(values, dtype=np.float64)


def _average(runs: Sequence[Sequence[float]]) -> Floats:
    return np.asarray(np.mean([_array(one) for one in runs], axis=0))


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
