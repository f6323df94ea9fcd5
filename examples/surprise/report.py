"""What was measured, a line a run, and the tables that are made of it.

Letters: N boxes of the validation split, C categories, B bootstrap draws.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from rows import DIRECTIONS, ROWS, Run, Settings

from boxmask.evaluate.bootstrap import draw_sums, interval
from boxmask.evaluate.means import ClassSums, class_sums
from boxmask.evaluate.show.terminal import format_interval, percent
from boxmask.models.cost import head_cost
from boxmask.splits import select
from boxmask.train.data.collection import Collection

Floats = npt.NDArray[np.float64]
Bits = npt.NDArray[np.bool_]
Found = dict[Run, Floats]  # the IoU of each box (N,)

REFERENCE = "Hourglass-20"


class Line(msgspec.Struct, frozen=True):
    """A finished run as it is written."""

    run: Run
    iou: list[float]


def append(path: Path, run: Run, iou: Floats) -> None:
    """Add a run to the file in one write, so that processes may share it."""
    line = msgspec.json.encode(Line(run, [round(value, 4) for value in iou.tolist()])) + b"\n"
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, line)
    finally:
        os.close(handle)


def finished(path: Path) -> Found:
    """Read the runs that are done."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    read = (msgspec.json.decode(line, type=Line) for line in lines)
    return {line.run: np.array(line.iou) for line in read}


class Scores:
    """Class means of IoU over the seen and the unseen classes, with draws for the intervals."""

    def __init__(self, collection: Collection, items: npt.NDArray[np.int64]) -> None:
        self.image = collection.table.image[items]
        self.category = collection.table.category[items]
        categories = collection.sources[0].dataset.categories
        self.count = len(categories)
        self.seen = {name: select(name, categories) for name in DIRECTIONS}

    def means(self, iou: Floats) -> ClassSums:
        """Add up by class (C,)."""
        return class_sums(iou, self.category, self.count)

    def draws(self, iou: Floats) -> ClassSums:
        """Add up by class for each draw of the images (B, C)."""
        return draw_sums(iou, self.image, self.category, self.count)


def markdown(found: Found, scores: Scores, settings: Settings) -> str:
    """Write the table of all rows, and how far each lies from the reference on unseen classes."""
    rows = [row for row in ROWS if any(run.row == row for run in found)]
    titles = ["row", "head, K", "M mult-adds a box"]
    for way in DIRECTIONS.values():
        titles += [f"{way}: seen", "unseen, 95 %", "gap", f"unseen against {REFERENCE}, 95 %"]
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)]]
    lines += [list(_cells(row, found, scores, settings)) for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(row: str, found: Found, scores: Scores, settings: Settings) -> Iterator[str]:
    cost = head_cost(ROWS[row].config(settings))
    yield from (row, f"{cost.parameters / 1e3:,.0f}", f"{cost.per_box / 1e6:.0f}")
    for name in DIRECTIONS:
        seeds = _seeds(found, row, name)
        yield from _scored(seeds, scores, scores.seen[name]) if seeds else ["", "", ""]
        others = {} if row == REFERENCE else _seeds(found, REFERENCE, name)
        yield _against(seeds, others, scores, scores.seen[name])


def _seeds(found: Mapping[Run, Floats], row: str, seen: str) -> dict[int, Floats]:
    return {run.seed: iou for run, iou in found.items() if (run.row, run.seen) == (row, seen)}


def _scored(seeds: Mapping[int, Floats], scores: Scores, seen: Bits) -> Iterator[str]:
    """Write the seen score, the unseen one with its interval and range over seeds, and the gap."""
    iou = np.mean(list(seeds.values()), axis=0)
    here, drawn = scores.means(iou), scores.draws(iou)
    yield percent(float(here.class_mean(seen)))
    unseen = float(here.class_mean(~seen))
    text = f"{percent(unseen)} {format_interval(interval(drawn.class_mean(~seen)))}"
    if len(seeds) > 1:
        each = [float(scores.means(one).class_mean(~seen)) for one in seeds.values()]
        text += f", seeds {percent(min(each))} to {percent(max(each))}"
    yield text
    yield percent(float(here.class_mean(seen)) - unseen)


def _against(
    seeds: Mapping[int, Floats], reference: Mapping[int, Floats], scores: Scores, seen: Bits
) -> str:
    """Write the difference from the reference on unseen classes, by the same seeds and draws."""
    shared = sorted(seeds.keys() & reference.keys())
    if not shared:
        return ""
    one, other = (_mean(each, shared) for each in (seeds, reference))
    value = scores.means(one).class_mean(~seen) - scores.means(other).class_mean(~seen)
    drawn = scores.draws(one).class_mean(~seen) - scores.draws(other).class_mean(~seen)
    return f"{percent(float(value), signed=True)} {format_interval(interval(drawn), signed=True)}"


def _mean(seeds: Mapping[int, Floats], shared: Sequence[int]) -> Floats:
    return np.asarray(np.mean([seeds[seed] for seed in shared], axis=0))
