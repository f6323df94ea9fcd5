"""How loose the boxes of a dataset are, by what the network itself makes of a sample of them.

The network is told that the boxes may be off, so that its masks may leave them; then the tight
boxes of its masks say by how much they are. Letters: n boxes of the sample.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from boxmask.annotate.hints import Hints
from boxmask.annotate.parts import Part
from boxmask.annotate.plan import cut_shards
from boxmask.annotate.shards import run_shard
from boxmask.annotate.workload import Workload
from boxmask.data import pixel_boxes
from boxmask.mark import Status
from boxmask.models.prediction import Network

Floats = npt.NDArray[np.float64]

SAMPLE = 200  # boxes, evenly spread over the dataset
MIN_SURE = 12  # below so many nothing is concluded
SAMPLE_TIGHTNESS = 0.1  # what the network knows of the sample
MIN_SIDE = 24  # pixels a side: of smaller boxes a pixel is already a large error
SURE_IOU = 0.6  # expected IoU: worse masks say nothing of their boxes
# The spread between given and tight boxes, and the error that the boxes had. A weights file has its
# own two rows in its card, measured by `examples/looseness.py --write` on photographs whose boxes
# it moves by a known error; these, of the bundled network of 0.2, are for files without.
CARD_KEY = "looseness"
SPREADS = (0.028, 0.033, 0.047, 0.070, 0.100)
ERRORS = (0.0, 0.03, 0.05, 0.10, 0.20)


def measure_tightness(workload: Workload, network: Network) -> float | None:
    """Measure the side error of a dataset's boxes, in sides of the box; None if that fails."""
    spread = measure_spread(workload, network)
    return None if spread is None else tightness_from_spread(spread, network.card)


def tightness_from_spread(spread: float, card: Mapping[str, Any]) -> float:
    """Return the side error of boxes whose sides are spread so far about the tight ones."""
    rows = card.get(CARD_KEY, {"spreads": SPREADS, "errors": ERRORS})
    return round(float(np.interp(spread, rows["spreads"], rows["errors"])), 2)


def measure_spread(workload: Workload, network: Network) -> float | None:
    """Return the typical distance between the sides of given and tight boxes, in sides."""
    sample = sample_workload(workload)
    shards = cut_shards(sample.wanted_by_image, size=SAMPLE)
    parts = [run_shard(sample, shard, network, lambda boxes: None) for shard in shards]
    pairs = [_side_errors(sample, part) for part in parts]
    found = np.concatenate([np.zeros((0, 4)), *(pair[0] for pair in pairs)])
    sure = np.concatenate([np.zeros(0, np.bool_), *(pair[1] for pair in pairs)])
    if sure.sum() < max(MIN_SURE, len(sure) / 2):
        return None
    # What a standard deviation would be if the sides erred normally, but deaf to gross failures.
    return float(1.4826 * np.median(np.abs(found[sure])))


def sample_workload(workload: Workload) -> Workload:
    """Return the workload in which only a sample of the boxes wants masks.

    Turned boxes are left out, since the tight boxes of masks are upright.
    """
    upright = ~workload.dataset.is_turned
    wanted = np.flatnonzero((workload.status == Status.OK.code) & upright)
    chosen = wanted[
        np.unique(np.linspace(0, len(wanted) - 1, min(SAMPLE, len(wanted))).astype(int))
    ]
    status = np.full_like(workload.status, Status.KEPT.code)
    status[chosen] = Status.OK.code
    hints = Hints(
        SAMPLE_TIGHTNESS, neighbours=workload.hints is not None and workload.hints.neighbours
    )
    return replace(workload, hints=hints, status=status)


def _side_errors(workload: Workload, part: Part) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return how far the sides of given boxes are from those of tight ones (n, 4), and which are
    to be believed (n,)."""
    rows = part.rows[part.rows["reason"] == 0]
    sizes = part.image_sizes
    given = [_given_box(workload, sizes, int(row)) for row in rows["row"]]
    boxes = np.array(given, dtype=np.float64).reshape(-1, 4)
    sides = boxes[:, 2:] - boxes[:, :2]
    large = (sides >= MIN_SIDE).all(axis=1)
    tight = rows["box"].astype(np.float64)
    tight[:, 2:] += tight[:, :2]
    off = (boxes - tight) / np.tile(tight[:, 2:] - tight[:, :2], 2)
    return off[large], rows["quality"][large] > SURE_IOU


def _given_box(workload: Workload, sizes: dict[int, tuple[int, int]], row: int) -> Floats:
    """Return a row's box (4,) in pixels, cut to its image as the network saw it."""
    width, height = sizes[int(workload.dataset.image_index[row])]
    box = pixel_boxes(workload.dataset, np.array([row]), width, height)[0]
    cut: Floats = box.clip(0, [width, height, width, height])
    return cut
