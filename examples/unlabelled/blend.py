"""Masks on which MobileSAM and a network of boxmask both have a say, by their logits.

On COCO's photographs MobileSAM is the better of the two for large things and the worse for small
ones (`python examples/unlabelled/blend_scores.py`), so its weight grows with the side of a thing.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from boxmask.annotate.encode import PastedMask, paste_masks
from boxmask.annotate.prepare import BoxViews
from boxmask.evaluate.loosen import box_ious
from boxmask.geometry import cell_and_share, lerp
from boxmask.models.prediction import MaskPrediction, to_numpy
from boxmask.models.threshold import expected_iou, shift_to_best_threshold
from boxmask.predict import Picture, Predictor

Floats = npt.NDArray[np.float32]
SIDES, WEIGHTS = (20.0, 60.0), (0.05, 0.4)  # of MobileSAM, by a thing's side in photographs of 512
SUREST = 20.0  # MobileSAM's logits go far beyond what a network trained to be calibrated says


class Blended(NamedTuple):
    """A mask of both; `agreement` is the IoU of what each would have said alone."""

    mask: PastedMask
    agreement: float


def blend(
    predict: Predictor,
    photo: Picture,
    boxes: npt.NDArray[np.float64],
    sam: Floats,
    *,
    cells: float,
    tightness: float = 0.0,
    flip: bool = False,
) -> Iterator[Blended]:
    """Yield the masks of the boxes (N, 4), in any order; `sam` (N, S, S) are MobileSAM's logits.

    `cells` is how many of those are along a pixel.
    """
    size, batches = predict.predict(photo, boxes, tightness=tightness, flip=flip, neighbours=False)
    for group, predicted in batches:
        yield from _blend_batch(group, predicted, sam, cells=cells, longer=max(size))


def ious_with(box: npt.ArrayLike, others: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the IoU (K,) of a box (4,) with each of others (K, 4), corners in pixels."""
    rows = np.asarray(others, np.float64).reshape(-1, 4)
    return box_ious(np.tile(np.asarray(box, np.float64), (len(rows), 1)), rows)


def _blend_batch(
    group: list[BoxViews], predicted: MaskPrediction, sam: Floats, *, cells: float, longer: int
) -> Iterator[Blended]:
    probabilities, _ = to_numpy(predicted)
    own = torch.as_tensor(probabilities, dtype=torch.float64).logit(1e-6).numpy()
    framed = [
        (int(row), frame)
        for views in group
        if views.frames is not None
        for row, frame in zip(views.rows, views.frames, strict=True)
    ]
    lifted = np.stack([_in_frame(sam[row], frame, cells, own.shape[1]) for row, frame in framed])
    weights = np.array([_weight(sam[row], cells, longer) for row, _ in framed])[:, None, None]
    sure = lifted.clip(-SUREST, SUREST)
    mean = torch.as_tensor((own + weights * sure) / (1 + 0.5 * weights), dtype=torch.float32)
    both = MaskPrediction(shift_to_best_threshold(mean).sigmoid(), expected_iou(mean))
    agreements = _ious(own > 0, lifted > 0)
    for mask, agreement in zip(paste_masks(group, both), agreements, strict=True):
        yield Blended(mask, agreement)


def _in_frame(logits: Floats, frame: npt.NDArray[np.float64], cells: float, side: int) -> Floats:
    """Sample logits (S, S) of a photograph at the middles of the cells (M, M) of a frame."""
    low, high = frame[:2], frame[2:]
    middles = low + (high - low) * (np.arange(side)[:, None] + 0.5) / side  # (M, 2): x, y
    at = (middles * cells - 0.5).clip(0, len(logits) - 1)
    (column, across), (row, down) = (cell_and_share(at[:, k], len(logits)) for k in (0, 1))
    exact = logits.astype(np.float64)
    rows = lerp(exact[row], exact[row + 1] - exact[row], down[:, None])
    return lerp(rows[:, column], rows[:, column + 1] - rows[:, column], across).astype(np.float32)


def _weight(logits: Floats, cells: float, longer: int) -> float:
    side = np.sqrt((logits > 0).sum()) / cells * 512 / longer
    return float(np.interp(side, SIDES, WEIGHTS))


def _ious(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> list[float]:
    both, either = ((first & second).sum((1, 2)), (first | second).sum((1, 2)))
    ious: list[float] = (both / np.maximum(either, 1)).tolist()
    return ious
