"""How far a predicted IoU can be trusted: its error, its ranking, and what it is worth in review.

Shapes: S instances with a prediction; quality (S,) is the predicted IoU, iou (S,) the true one.
"""

from dataclasses import dataclass

import numpy as np

from boxmask.evaluate.mask_file import FloatArray

BINS = 10
COVERAGES = (0.5, 0.8, 0.9, 0.95, 1.0)


@dataclass(frozen=True)
class Calibration:
    """Predicted against true IoU over the instances of a split."""

    instances: int
    expected_calibration_error: float  # |mean predicted - mean true| over 10 equal bins, weighted
    mean_error: float  # mean of predicted - true: above 0 is too sure of itself
    mean_absolute_error: float
    spearman: float  # rank correlation
    aurc: float  # area under risk (1 - IoU) over coverage, best predicted first
    accepted_iou: dict[str, float]  # share of the masks kept, best predicted first -> mean IoU


def calibrate(quality: FloatArray, iou: FloatArray) -> Calibration:
    """Measure predicted against true IoU; S must be above 0."""
    curve = accepted_iou(quality, iou)
    kept = {f"{share:.2f}": float(curve[_last(share, len(iou))]) for share in COVERAGES}
    error = quality - iou
    return Calibration(
        instances=len(iou),
        expected_calibration_error=_binned_error(quality, iou),
        mean_error=float(error.mean()),
        mean_absolute_error=float(np.abs(error).mean()),
        spearman=spearman(quality, iou),
        aurc=float((1.0 - curve).mean()),
        accepted_iou=kept,
    )


def accepted_iou(quality: FloatArray, iou: FloatArray) -> FloatArray:
    """Return (S,): the mean IoU of the 1, 2, ... S best predicted masks.

    Masks of equal predicted quality share their mean IoU, so the order of the file has no say.
    """
    _, place, counts = np.unique(-quality, return_inverse=True, return_counts=True)
    shared = np.bincount(place, weights=iou) / counts
    return np.asarray(np.cumsum(np.repeat(shared, counts)) / np.arange(1, len(iou) + 1))


def bin_means(quality: FloatArray, iou: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return mean predicted, mean true and count of each of the 10 bins that holds any mask."""
    place = np.clip((quality * BINS).astype(np.int64), 0, BINS - 1)
    counts = np.bincount(place, minlength=BINS).astype(np.float64)
    full = counts > 0
    predicted = np.bincount(place, quality, minlength=BINS)[full] / counts[full]
    true = np.bincount(place, iou, minlength=BINS)[full] / counts[full]
    return predicted, true, counts[full]


def spearman(first: FloatArray, second: FloatArray) -> float:
    """Return the rank correlation, ties at their mean rank; NaN if either does not vary."""
    first_ranks, second_ranks = (ranks - ranks.mean() for ranks in (_ranks(first), _ranks(second)))
    scale = np.sqrt((first_ranks @ first_ranks) * (second_ranks @ second_ranks))
    return float(first_ranks @ second_ranks / scale) if scale > 0 else float("nan")


def _binned_error(quality: FloatArray, iou: FloatArray) -> float:
    predicted, true, counts = bin_means(quality, iou)
    return float(np.abs(predicted - true) @ counts / counts.sum())


def _ranks(values: FloatArray) -> FloatArray:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place])


def _last(share: float, number: int) -> int:
    return max(1, round(share * number)) - 1
