"""Score masks by how much of each box other annotated objects cover.

    python examples/crowding.py instances_val.json masks.json

`boxmask eval ... --keep masks.json` makes such masks. A box is crowded by the share of its pixels
that other true masks of the picture cover, crowds among them. A line of its own counts the boxes
where most of that is by objects of the same category. A few seconds for a hundred pictures.
"""

import sys
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np

from boxmask import rle
from boxmask.dataset import Id, IntArray
from boxmask.evaluate.job import EvaluateJob
from boxmask.evaluate.mask_file import FloatArray, MaskFile
from boxmask.evaluate.measure import mask_record, mask_runs
from boxmask.evaluate.metrics import Size
from boxmask.evaluate.run import Evaluation, evaluate
from boxmask.evaluate.scoring import GroundTruth

EDGES = (0.0, 0.01, 0.1, 0.3, 1.01)


def crowding(ground: GroundTruth) -> FloatArray:
    """Return (S, 2): the share of each scored box that others cover, and others of its kind."""
    truth = ground.truth
    of_image: dict[Id, list[int]] = defaultdict(list)
    for row, absence in enumerate(truth.skip_reasons):
        if not absence:
            of_image[truth.image_ids[row]].append(row)
    shares: dict[int, list[float]] = {}
    for image, rows in of_image.items():
        shares |= shares_within(truth, rows, truth.image_sizes.get(image, (0, 0)))
    return np.array([shares[row] for row in ground.instances.rows])


def shares_within(truth: MaskFile, rows: list[int], size: Size) -> dict[int, list[float]]:
    """Return for the records of one image how much of each box others cover, and its kind."""
    masks = {row: mask_runs(mask_record(truth, row), size) for row in rows}
    shares = {}
    for row in rows:
        others = [other for other in rows if other != row]
        kin = [one for one in others if truth.category_ids[one] == truth.category_ids[row]]
        box = inner(truth.boxes[row])
        shares[row] = [covered(box, [masks[one] for one in some]) for some in (others, kin)]
    return shares


def inner(box: FloatArray) -> FloatArray:
    """Return the box (x0, y0, x1, y1) whose window has just the pixels that `box` touches."""
    return np.concatenate([np.floor(box[:2]) + 1, np.ceil(box[2:]) - 1])


def covered(box: FloatArray, masks: list[tuple[IntArray, Size]]) -> float:
    """Return the share of a box's window that masks of its image cover, NaN without a box."""
    if np.isnan(box).any():
        return np.nan
    bits = np.zeros(1, dtype=np.bool_)
    for counts, (width, height) in masks:
        bits = bits | rle.runs_window(counts, width=width, height=height, box=box).bits
    return float(bits.mean())


def report(evaluation: Evaluation) -> list[str]:
    """Return a line for each level of crowding."""
    iou = evaluation.systems[0].iou
    others, kin = crowding(evaluation.ground).T
    lines = [f"{'box covered by':<22}{'boxes':>7}{'mean IoU':>10}{'of what is lacking':>20}"]
    for low, high in pairwise(EDGES):
        level = (others >= low) & (others < high)
        parts = {
            f"others, {low:.0%} to {min(high, 1):.0%}": level,
            "  most by its kind": level & (kin > others / 2),
        }
        for name, chosen in parts.items():
            if chosen.any():
                lacking = (1 - iou[chosen]).sum() / max((1 - iou).sum(), 1e-9)
                mean = 100 * iou[chosen].mean()
                lines.append(f"{name:<22}{chosen.sum():>7}{mean:>10.1f}{lacking:>20.0%}")
    return lines


def main(truth: Path, masks: Path) -> None:
    """Print the table of a file of masks."""
    print("\n".join(report(evaluate(EvaluateJob(truth, predicted=(masks,), workers=1)))))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
