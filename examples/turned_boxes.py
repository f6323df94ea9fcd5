"""Score thin oblique objects by their turned boxes, and by their upright ones.

    python examples/turned_boxes.py instances_val.json ... [--weights FILE] [--tightness 0.05]

Each file has its `images` folder beside it. The turned box of an object is the smallest rectangle
around its true mask; thin means that its sides are as 2 to 1 or more, oblique that they are 15
degrees or more from upright. The network is asked for all boxes of a photograph at once: first with
all upright, then with the turned boxes in the places of theirs.

A turned box says more than an upright one: it shuts out the corners. So the masks of upright boxes
are scored once more, cut to the turned boxes. The last column asks whether the way up matters: the
photograph lies on its side, and with it all frames. Ten minutes for 250 objects on two cores.
"""

import argparse
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

import boxmask
from boxmask.data import pixel_boxes, read, segmentation
from boxmask.dataset import BoxDataset
from boxmask.images import load_image
from boxmask.paste_turned import paste_turned_runs
from boxmask.predict import Predictor
from boxmask.rle import IntArray, runs_window, segmentation_runs, tight_window
from boxmask.turned import Floats, corners_around, corners_of, own_frames
from boxmask.window import Window

Bits = npt.NDArray[np.bool_]

OBLIQUE = 15.0  # degrees
THIN = 2.0  # longer side over the shorter one
LEVELS = (2.0, 3.0, 5.0, float("inf"))
SYSTEMS = ("upright", "upright, cut", "turned", "on its side")


class Object(NamedTuple):
    """A thin oblique object of a photograph."""

    row: int
    corners: Floats  # (4, 2) of its turned box
    thinness: float
    bits: Bits  # (H, W)


class Score(NamedTuple):
    """The IoU of an object by each system."""

    image: str
    thinness: float
    ious: tuple[float, ...]


def objects_of(dataset: BoxDataset, rows: IntArray, size: tuple[int, int]) -> Iterator[Object]:
    """Yield the thin oblique objects among some rows of an image (width, height)."""
    width, height = size
    for row in rows.tolist():
        if dataset.is_crowd[row] or (found := segmentation(dataset, row, size)) is None:
            continue
        counts = segmentation_runs(found, width=width, height=height)
        window = tight_window(counts, width=width, height=height)
        if window is None:
            continue
        corners = corners_around(window)
        (box,), (angle,) = own_frames(corners[None])
        sides = box[2:] - box[:2]
        thinness = float(sides.max() / sides.min())
        if thinness >= THIN and np.degrees(abs(angle)) >= OBLIQUE:
            yield Object(row, corners, thinness, whole(window, size))


def whole(window: Window, size: tuple[int, int]) -> Bits:
    """Return all pixels (H, W) of an image (width, height)."""
    bits = np.zeros(size, np.bool_)
    x, y = window.x, window.y
    bits[x : x + window.bits.shape[0], y : y + window.bits.shape[1]] = window.bits
    return bits.T


def cut(bits: Bits, corners: Floats) -> Bits:
    """Return the pixels of a mask (H, W) whose middles lie in a turned box."""
    height, width = bits.shape
    (box,), (angle,) = own_frames(corners[None])
    every = np.ones((2, 2), np.float32)
    counts = paste_turned_runs(every, box, angle=angle, clip=box, width=width, height=height)
    inside = runs_window(counts, width=width, height=height, box=(0, 0, width, height))
    return bits & whole(inside, (width, height))


def iou(one: Bits, other: Bits) -> float:
    """Return the IoU of two masks (H, W)."""
    return float((one & other).sum() / max((one | other).sum(), 1))


def scores_of(path: Path, predict: Predictor, tightness: float) -> Iterator[Score]:
    """Yield the scores of the thin oblique objects of a file."""
    dataset = read(path)
    order, starts = dataset.rows_by_image()
    for image, name in enumerate(dataset.file_names):
        rows = order[starts[image] : starts[image + 1]]
        rows = rows[(dataset.faults[rows] == 0) & ~dataset.is_crowd[rows]]
        size = int(dataset.widths[image]), int(dataset.heights[image])
        objects = list(objects_of(dataset, rows, size))
        if not objects:
            continue
        pixels = load_image(path.parent / "images", name, width=size[0], height=size[1])
        boxes = pixel_boxes(dataset, rows, *size)
        corners = corners_of(boxes, np.zeros(len(boxes)))
        labels = dataset.category_index[rows]
        upright = predict(pixels, boxes, labels=labels, tightness=tightness)
        places = [int(np.flatnonzero(rows == one.row)[0]) for one in objects]
        corners[places] = [one.corners for one in objects]
        turned = predict(pixels, corners, labels=labels, tightness=tightness)
        # By a quarter turn anticlockwise, x becomes y, and y the width less x.
        aside = np.stack([corners[..., 1], size[0] - corners[..., 0]], axis=-1)
        side = predict(np.rot90(pixels), aside, labels=labels, tightness=tightness)
        for place, one in zip(places, objects, strict=True):
            mask = upright.masks[place]
            back = np.rot90(side.masks[place], 3)
            masks = mask, cut(mask, one.corners), turned.masks[place], back
            ious = tuple(iou(found, one.bits) for found in masks)
            yield Score(f"{path}/{name}", one.thinness, ious)


def interval(scores: list[Score], differences: Floats) -> tuple[float, float]:
    """Return the 95 % interval of the mean of some differences, by a bootstrap over photographs."""
    names = sorted({score.image for score in scores})
    groups = [[k for k, score in enumerate(scores) if score.image == name] for name in names]
    random = np.random.default_rng(0)
    means = []
    for _ in range(2000):
        drawn = np.concatenate([groups[k] for k in random.integers(len(groups), size=len(groups))])
        means.append(differences[drawn].mean())
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def report(scores: list[Score]) -> Iterator[str]:
    """Yield a line for each level of thinness."""
    yield f"{'sides as':<12}{'objects':>8}{''.join(f'{name:>14}' for name in SYSTEMS)}{'gain':>8}"
    for low, high in [*pairwise(LEVELS), (LEVELS[0], LEVELS[-1])]:
        some = [score for score in scores if low <= score.thinness < high]
        if some:
            ious = 100 * np.array([score.ious for score in some])
            gain = ious[:, 2] - ious[:, 0]
            ends = "{:+.1f} to {:+.1f}".format(*interval(some, gain))
            means = "".join(f"{mean:>14.1f}" for mean in ious.mean(axis=0))
            name = f"{low:g}:1 or more" if high == LEVELS[-1] else f"{low:g}:1 to {high:g}:1"
            yield f"{name:<12}{len(some):>8}{means}{gain.mean():>+8.1f}  [{ends}]"


def main() -> None:
    """Print the table of some files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--tightness", type=float, default=0.0)
    given = parser.parse_args()
    predict = boxmask.load(given.weights, device="cpu")
    scores = [one for path in given.files for one in scores_of(path, predict, given.tightness)]
    print("\n".join(report(scores)))


if __name__ == "__main__":
    main()
