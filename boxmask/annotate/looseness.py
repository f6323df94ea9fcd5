"""How loose the boxes of a dataset are, by what the network itself makes of a sample of them.

The network is told that the boxes may be off, so that its masks may leave them; then the tight
boxes of its masks say by how much they are. Letters: n boxes of the sample.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from boxmask.annotate.network import Annotator
from boxmask.annotate.parts import Part
from boxmask.annotate.plan import cut_shards
from boxmask.annotate.scope import Scope
from boxmask.annotate.shard import run_shard
from boxmask.annotate.told import Told
from boxmask.data import pixel_boxes
from boxmask.mark import Status

Floats = npt.NDArray[np.float64]

SAMPLE = 200  # boxes, evenly spread over the dataset
FEWEST = 12  # below so many nothing is concluded
ASKED_AS = 0.1  # what the network is told of the sample
SMALLEST = 24  # pixels a side: of smaller boxes a pixel is already a large error
SURE = 0.6  # expected IoU: worse masks say nothing of their boxes
# The spread between given and tight boxes, and the error that the boxes had: examples/looseness.py
# prints both for photographs whose boxes it moves by a known error.
SPREADS = (0.028, 0.033, 0.047, 0.070, 0.100)
ERRORS = (0.0, 0.03, 0.05, 0.10, 0.20)


def measured_tightness(scope: Scope, annotator: Annotator) -> float | None:
    """Measure the side error of a dataset's boxes, in sides of the box; None if that fails."""
    spread = measured_spread(scope, annotator)
    return None if spread is None else tightness_of(spread)


def tightness_of(spread: float) -> float:
    """Return the side error of boxes whose sides are spread so far about the tight ones."""
    return round(float(np.interp(spread, SPREADS, ERRORS)), 2)


def measured_spread(scope: Scope, annotator: Annotator) -> float | None:
    """Return the typical distance between the sides of given and tight boxes, in sides."""
    asked = sampled(scope)
    shards = cut_shards(asked.wanted_by_image, size=SAMPLE)
    parts = [run_shard(asked, shard, annotator, lambda boxes: None) for shard in shards]
    pairs = [distances(asked, part) for part in parts]
    found = np.concatenate([np.zeros((0, 4)), *(pair[0] for pair in pairs)])
    sure = np.concatenate([np.zeros(0, np.bool_), *(pair[1] for pair in pairs)])
    if sure.sum() < max(FEWEST, len(sure) / 2):
        return None
    # What a standard deviation would be if the sides erred normally, but deaf to gross failures.
    return float(1.4826 * np.median(np.abs(found[sure])))


def sampled(scope: Scope) -> Scope:
    """Return the scope in which only a sample of the boxes wants masks."""
    wanted = np.flatnonzero(scope.status == Status.OK.code)
    chosen = wanted[
        np.unique(np.linspace(0, len(wanted) - 1, min(SAMPLE, len(wanted))).astype(int))
    ]
    status = np.full_like(scope.status, Status.KEPT.code)
    status[chosen] = Status.OK.code
    told = Told(ASKED_AS, neighbours=scope.told is not None and scope.told.neighbours)
    return replace(scope, told=told, status=status)


def distances(scope: Scope, part: Part) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return how far the sides of given boxes are from those of tight ones (n, 4), and which are
    to be believed (n,)."""
    rows = part.rows[part.rows["reason"] == 0]
    sizes = {
        int(image["image"]): (int(image["width"]), int(image["height"])) for image in part.images
    }
    given = [given_box(scope, sizes, int(row)) for row in rows["row"]]
    boxes = np.array(given, dtype=np.float64).reshape(-1, 4)
    sides = boxes[:, 2:] - boxes[:, :2]
    large = (sides >= SMALLEST).all(axis=1)
    tight = rows["box"].astype(np.float64)
    tight[:, 2:] += tight[:, :2]
    off = (boxes - tight) / np.tile(tight[:, 2:] - tight[:, :2], 2)
    return off[large], rows["quality"][large] > SURE


def given_box(scope: Scope, sizes: dict[int, tuple[int, int]], row: int) -> Floats:
    """Return a row's box (4,) in pixels, cut to its image as the network saw it."""
    width, height = sizes[int(scope.dataset.image_index[row])]
    box = pixel_boxes(scope.dataset, np.array([row]), width, height)[0]
    cut: Floats = box.clip(0, [width, height, width, height])
    return cut
