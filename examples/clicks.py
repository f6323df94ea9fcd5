"""Measure what clicks and drags make of the masks that a review shows first.

    python examples/clicks.py DATA [--weights FILE] [--sets coco,voc]

DATA holds folders, each with instances_val.json and images/. Of all masks, the tenth of the lowest
expected IoU is corrected as the literature on interactive segmentation simulates it: a click goes
to the middle of the largest part that is wrong. A line for each way to take clicks says the mean
IoU after 0, 1, 2 and 3 of them; another, what dragging the sides of a loose box does. At the end,
how long an answer takes. About four minutes on two cores, with boxmask[grabcut] for OpenCV.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch

from boxmask.annotate.encode import PastedMask
from boxmask.annotate.network import DeviceNetwork
from boxmask.bundled import BUNDLED
from boxmask.data import pixel_boxes, read, segmentation
from boxmask.dataset import BoxDataset, IntArray
from boxmask.evaluate.loosen import loosened
from boxmask.images import load_image
from boxmask.review.clicks import Cells, Grid, Point, moved_by_clicks
from boxmask.review.correct import Corrector, Move
from boxmask.rle import runs_window, segmentation_runs

Bits = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

CLICKS = 3
DRAGS = 4
LOOSE = 0.1  # of a side
SETS = "coco,animals,pantry,feralcats,voc,tools"


@dataclass(frozen=True, eq=False)
class Case:
    """A true mask with its box, and what a review knows of it."""

    key: tuple[Path, int]  # names the image
    dataset: BoxDataset
    row: int
    boxes: Floats  # (K, 4) of the image
    place: int  # of this box among them
    alike: Bits  # (K,)

    def pixels(self) -> npt.NDArray[np.uint8]:
        """Decode the image."""
        folder, image = self.key
        names = self.dataset.file_names
        width, height = int(self.dataset.widths[image]), int(self.dataset.heights[image])
        return load_image(folder, names[image], width=width, height=height)

    def truth(self, width: int, height: int) -> Bits:
        """Read the true mask (W, H)."""
        found = segmentation(self.dataset, self.row, (width, height))
        counts = segmentation_runs(found, width=width, height=height)
        return whole(counts, width, height)

    def correct(
        self,
        corrector: Corrector,
        pixels: npt.NDArray[np.uint8],
        points: Sequence[Point] = (),
        box: Floats | None = None,
    ) -> PastedMask:
        """Ask as the review's server does."""
        others = np.delete(self.boxes, self.place, axis=0)
        alike = np.delete(self.alike, self.place)
        own = self.boxes[self.place] if box is None else box
        key = (*self.key, self.row)
        return corrector.correct(pixels, own, points, others=others, alike=alike, key=key)


def cases_of(folder: Path) -> Iterator[Case]:
    """Yield every instance of a set that is no crowd."""
    dataset = read(folder / "instances_val.json")
    order, starts = dataset.rows_by_image()
    for image in range(len(dataset.image_ids)):
        rows = order[starts[image] : starts[image + 1]]
        sound = (dataset.faults[rows] == 0) & ~dataset.is_crowd[rows] & dataset.has_mask[rows]
        rows = rows[sound]
        size = int(dataset.widths[image]), int(dataset.heights[image])
        boxes = pixel_boxes(dataset, rows, *size).clip(0, np.tile(size, 2))
        kinds = dataset.category_index[rows]
        for place, row in enumerate(rows.tolist()):
            alike = kinds == kinds[place]
            yield Case((folder / "images", image), dataset, row, boxes, place, alike)


def whole(counts: IntArray, width: int, height: int) -> Bits:
    """Fill a mask of an image (W, H) from its runs."""
    return runs_window(counts, width=width, height=height, box=(0, 0, width, height)).bits


def iou(one: Bits, other: Bits) -> float:
    """Return the IoU of two masks."""
    return float((one & other).sum() / max(int((one | other).sum()), 1))


def next_click(truth: Bits, mask: Bits) -> Point | None:
    """Click the middle of the largest part that is wrong; None if nothing is."""
    best, click = 0, None
    for wrong, inside in ((truth & ~mask, True), (mask & ~truth, False)):
        _, parts, facts, _ = cv2.connectedComponentsWithStats(
            wrong.astype(np.uint8), connectivity=4
        )
        areas = facts[1:, cv2.CC_STAT_AREA]
        if len(areas) and areas.max() > best:
            best = int(areas.max())
            part = np.pad((parts == 1 + areas.argmax()).astype(np.uint8), 1)
            depth = cv2.distanceTransform(part, cv2.DIST_L2, 5)[1:-1, 1:-1]
            x, y = np.unravel_index(int(depth.argmax()), depth.shape)
            click = Point(int(x) + 0.5, int(y) + 0.5, inside)
    return click


def clicked(corrector: Corrector, case: Case) -> list[float]:
    """Return the IoU after 0, 1, ... clicks."""
    pixels = case.pixels()
    height, width = pixels.shape[:2]
    truth = case.truth(width, height)
    points: list[Point] = []
    scores: list[float] = []
    for _ in range(CLICKS + 1):
        mask = whole(case.correct(corrector, pixels, points).counts, width, height)
        assert all(mask[int(x), int(y)] == inside for x, y, inside in points)
        scores.append(iou(truth, mask))
        click = next_click(truth, mask)
        points += [] if click is None else [click]
    return scores


def dragged(corrector: Corrector, case: Case) -> list[float]:
    """Return the IoU after 0, 1, ... sides of a loose box were dragged to where they belong."""
    pixels = case.pixels()
    height, width = pixels.shape[:2]
    truth, true_box = case.truth(width, height), case.boxes[case.place]
    limits = np.array([[width, height]], np.float64)
    box = loosened(true_box[None], [case.row], limits, fraction=LOOSE, seed=0)[0]
    scores = []
    for _ in range(DRAGS + 1):
        mask = case.correct(corrector, pixels, box=box)
        scores.append(iou(truth, whole(mask.counts, width, height)))
        worst = int(np.abs(box - true_box).argmax())
        box = box.copy()
        box[worst] = true_box[worst]
    return scores


def painted(grid: Grid, logits: Cells, points: Sequence[Point]) -> Cells:
    """Paint a disc at each click that is on the wrong side, as a person would with a brush."""
    moved = logits.copy()
    down, across = np.ogrid[: len(logits), : len(logits)]
    for point in points:
        cell = grid.cell(point)
        if cell is not None and (moved[cell[1], cell[0]] > 0) != point.inside:
            squared = (across - cell[0]) ** 2 + (down - cell[1]) ** 2
            own = squared[(moved > 0) == point.inside]
            radius = 0.8 * np.sqrt(own.min(initial=40.0**2))
            moved[squared <= max(radius, 1) ** 2] = 2 if point.inside else -2
    return moved


def only_near(grid: Grid, logits: Cells, points: Sequence[Point]) -> Cells:
    """Move the logits near clicks, whatever the picture shows there."""
    return moved_by_clicks(Grid(logits, np.zeros_like(grid.colours), grid.frame), logits, points)


def along_paths(grid: Grid, logits: Cells, points: Sequence[Point]) -> Cells:
    """Move the logits where short paths lead from clicks that cross no edge of colour or mask.

    Clicks are observations of a Gaussian process whose mean is what the network says.
    """
    sure = np.clip(logits, -6, 6)
    steps = [
        1.2 * np.sqrt((np.diff(grid.colours, axis=axis) ** 2).sum(axis=2))
        + 0.1 * np.abs(np.diff(sure, axis=axis))
        + 0.05
        for axis in (0, 1)
    ]
    placed = [(cell, point.inside) for point in points if (cell := grid.cell(point)) is not None]
    near = []
    for (column, row), inside in placed:
        squared = squares(len(logits), column, row)
        reach = max(2.0, 1.5 * np.sqrt(squared[(logits > 0) == inside].min(initial=40.0**2)))
        length = path_lengths((row, column), *steps)
        near.append(np.exp(-(squared / reach**2 + (length / 1.5) ** 2) / 2))
    columns, rows = np.array([cell for cell, _ in placed]).reshape(-1, 2).T
    sides = np.array([1 if inside else -1 for _, inside in placed])
    lacking = sides * np.maximum(2 - sides * logits[rows, columns], 0)
    bumps = np.array(near).reshape(-1, *logits.shape)
    together = bumps[:, rows, columns].T + 1e-3 * np.eye(len(placed))
    weights = np.linalg.lstsq(together, lacking, rcond=None)[0]
    moved: Cells = (logits + np.tensordot(weights, bumps, axes=1)).astype(np.float32)
    return moved


def squares(side: int, column: int, row: int) -> Floats:
    """Return the squared distances (M, M) from a cell."""
    down, across = np.ogrid[:side, :side]
    squared: Floats = ((across - column) ** 2 + (down - row) ** 2).astype(np.float64)
    return squared


def path_lengths(start: tuple[int, int], down: Floats, across: Floats) -> Floats:
    """Return how long the shortest path is from a cell to each (M, M), by the steps between."""
    length = np.full((len(across), len(across)), 1e3)
    length[start] = 0
    before = np.zeros_like(length)
    while not np.array_equal(before, length):
        before = length.copy()
        np.minimum(length[1:], length[:-1] + down, out=length[1:])
        np.minimum(length[:-1], length[1:] + down, out=length[:-1])
        np.minimum(length[:, 1:], length[:, :-1] + across, out=length[:, 1:])
        np.minimum(length[:, :-1], length[:, 1:] + across, out=length[:, :-1])
    return length


WAYS: dict[str, Move] = {
    "a disc painted at each click": painted,
    "near the click": only_near,
    "along paths without edges": along_paths,
    "near and alike (what review does)": moved_by_clicks,
}


def table(
    title: str, corrector: Corrector, cases: list[Case], measure: Callable[..., list[float]]
) -> None:
    """Print a line of mean IoUs."""
    scores = 100 * np.mean([measure(corrector, case) for case in cases], axis=0)
    print(f"{title:<34}" + "".join(f"{score:>7.1f}" for score in scores), flush=True)


def latency(network: DeviceNetwork, cases: list[Case]) -> None:
    """Print how long a box takes that the network has not seen, and how long a click."""
    corrector = Corrector(network)
    box_times, click_times = [], []
    for case in cases:
        pixels = case.pixels()
        start = time.perf_counter()
        found = case.correct(corrector, pixels)
        box_times.append(time.perf_counter() - start)
        x, y, w, h = found.box
        start = time.perf_counter()
        case.correct(corrector, pixels, [Point(x + w / 2, y + h / 2, False)])
        click_times.append(time.perf_counter() - start)
    for what, times in (("a new box", box_times), ("a click", click_times)):
        print(f"{what}: median {1000 * statistics.median(times):.0f} ms of {len(times)}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, default=BUNDLED)
    parser.add_argument("--sets", default=SETS)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    network = DeviceNetwork.load(given.weights, device="cpu", precision="fp32")
    corrector = Corrector(network)
    every = [case for name in given.sets.split(",") for case in cases_of(given.data / name)]
    expected = [case.correct(corrector, case.pixels()).quality for case in every]
    worst = [every[k] for k in np.argsort(expected, kind="stable")[: len(every) // 10]]
    print(f"the worst {len(worst)} of {len(every)} masks by expected IoU: mean IoU in percent")
    print(f"{'after so many clicks':<34}" + "".join(f"{k:>7}" for k in range(CLICKS + 1)))
    for title, move in WAYS.items():
        table(title, Corrector(network, move=move), worst, clicked)
    print(f"{'after so many sides dragged':<34}" + "".join(f"{k:>7}" for k in range(DRAGS + 1)))
    table(f"boxes with sides off by {LOOSE:.0%}", Corrector(network), worst, dragged)
    latency(network, worst)


if __name__ == "__main__":
    main()
