"""Tell what masks lack, and where: by size, crowding, thickness, looseness of the box, and source.

    git show 70a47ca:boxmask/weights/zoom-lite0.safetensors > 0.1.safetensors
    python examples/lacking.py DATA 0.1.safetensors bundled

DATA holds folders with instances_val.json and images/ (coco, animals, voc, pantry, feralcats,
tools). For each weights file the table has the mean IoU over masks, and of all that the masks of
COCO lack to an IoU of 1, exact boxes given, the share that lies in that group. Two minutes for each
on two cores.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from crowding import crowding

from boxmask.bundled import find_weights
from boxmask.evaluate.job import EvaluateJob
from boxmask.evaluate.mask_file import FloatArray
from boxmask.evaluate.metrics import METRICS, MaskPair, Metric
from boxmask.evaluate.run import Evaluation, evaluate

SOURCES = ("animals", "voc", "pantry", "feralcats", "tools")
LOOSENESS = (0.05, 0.1, 0.2)
EDGES: dict[str, dict[str, float]] = {
    "pixels": {"under 32²": 0, "32² to 96²": 32**2, "96² and more": 96**2},
    "box covered by others": {"under 1 %": 0, "1 to 30 %": 0.01, "30 % and more": 0.3},
    "thickness": {"under 0.25": 0, "0.25 to 0.5": 0.25, "0.5 and more": 0.5},
}


class Line(NamedTuple):
    """A line of the table; the share is of what all masks of COCO lack."""

    name: str
    masks: int
    iou: float
    share: float | None = None


def thickness(pair: MaskPair) -> float:
    """Measure how thick a true mask is: four times its area over its outline, along pixels' sides,
    in sides of its box. 1 for a filled square, 0.8 for a disc, 2 t for a long strip of thickness t.
    """
    bits = np.pad(pair.true, 1)
    columns, rows = (np.flatnonzero(bits.any(axis=axis)) for axis in (1, 0))
    if not len(columns):
        return np.nan
    outline = sum(np.count_nonzero(np.diff(bits, axis=axis)) for axis in (0, 1))
    side = np.sqrt(float(np.ptp(columns) + 1) * float(np.ptp(rows) + 1))
    return float(4 * np.count_nonzero(bits) / outline / side)


def evaluated(folder: Path, weights: Path, loosen: float = 0.0) -> Evaluation:
    """Score weights on a set, boxes moved by an error of their sides."""
    truth, images = folder / "instances_val.json", folder / "images"
    return evaluate(EvaluateJob(truth, weights=weights, images=images, loosen=loosen, workers=1))


def groups(evaluation: Evaluation) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Yield the name of each group of the scored masks, and which (S,) belong to it."""
    of: dict[str, FloatArray] = {
        "pixels": evaluation.ground.areas,
        "box covered by others": crowding(evaluation.ground)[:, 0],
        "thickness": evaluation.systems[0].values["thickness"],
    }
    for kind, edges in EDGES.items():
        ends = [*list(edges.values())[1:], np.inf]
        for (name, low), high in zip(edges.items(), ends, strict=True):
            yield f"{kind}: {name}", (of[kind] >= low) & (of[kind] < high)


def lines_of(data: Path, weights: Path) -> Iterator[Line]:
    """Yield every line for one weights file."""
    exact = evaluated(data / "coco", weights)
    iou = exact.systems[0].iou
    yield Line("COCO", len(iou), iou.mean(), 1.0)
    for name, chosen in groups(exact):
        if chosen.any():
            share = (1 - iou[chosen]).sum() / (1 - iou).sum()
            yield Line(name, int(chosen.sum()), iou[chosen].mean(), share)
    for loosen in LOOSENESS:
        iou = evaluated(data / "coco", weights, loosen).systems[0].iou
        yield Line(f"sides off by {100 * loosen:.0f} %", len(iou), iou.mean())
    for source in SOURCES:
        if (data / source).is_dir():
            iou = evaluated(data / source, weights).systems[0].iou
            yield Line(source, len(iou), iou.mean())


def table(data: Path, files: list[str]) -> Iterator[str]:
    """Yield the table, weights files beside each other."""
    METRICS["thickness"] = Metric(thickness, "thick-\nness")
    columns = [list(lines_of(data, find_weights(Path(file)))) for file in files]
    names = [Path(file).name.removesuffix(".safetensors") for file in files]
    yield f"| | masks | {' | '.join(names + [f'lacks, {name}' for name in names])} |"
    yield "|---|---:|" + "---:|" * 2 * len(files)
    for of_each in zip(*columns, strict=True):
        means = [f"{100 * line.iou:.1f}" for line in of_each]
        shares = ["" if line.share is None else f"{line.share:.0%}" for line in of_each]
        first = of_each[0]
        yield f"| {first.name} | {first.masks} | {' | '.join(means + shares)} |"


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    for text in table(Path(sys.argv[1]), sys.argv[2:]):
        print(text)
