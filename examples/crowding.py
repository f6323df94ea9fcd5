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
from boxmask.evaluate.job import Job
from boxmask.evaluate.maskfile import FloatArray
from boxmask.evaluate.measure import Located, mask_runs
from boxmask.evaluate.run import Evaluation, run
from boxmask.evaluate.scoring import Ground

EDGES = (0.0, 0.01, 0.1, 0.3, 1.01)


def crowding(ground: Ground) -> FloatArray:
    """Return (S, 2): the share of each scored box that others cover, and others of its kind."""
    truth = ground.truth
    size = {image.id: (image.width, image.height) for image in truth.images}
    of_image: dict[object, list[int]] = defaultdict(list)
    for row, absence in enumerate(truth.absences):
        if not absence:
            of_image[truth.image_ids[row]].append(row)
    shares = []
    for row in ground.instances.rows:
        others = [other for other in of_image[truth.image_ids[row]] if other != row]
        kin = [one for one in others if truth.category_ids[one] == truth.category_ids[row]]
        of_box = (truth.boxes[row], size[truth.image_ids[row]])
        shares.append([covered(ground, rows, *of_box) for rows in (others, kin)])
    return np.array(shares)


def covered(ground: Ground, rows: list[int], box: FloatArray, size: tuple[int, int]) -> float:
    """Return the share of a box (x0, y0, x1, y1) that the true masks of some records cover."""
    x0, y0, x1, y1 = box.tolist()
    bits = np.zeros(1, dtype=np.bool_)
    for row in rows:
        left, top, right, bottom = ground.truth.boxes[row].tolist()
        if left < x1 and x0 < right and top < y1 and y0 < bottom:
            located = Located(ground.truth.records[row], ground.truth.name(row))
            counts, (width, height) = mask_runs(located, size)
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
    print("\n".join(report(run(Job(truth, predicted=(masks,), workers=1)))))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
