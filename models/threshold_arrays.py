"""From logits to probabilities that are cut at a half: threshold.py in arrays, without PyTorch.

Shapes: N boxes, M mask side.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

# A mask in more doubt has the threshold of one in this much: a lower one would do no good.
MIN_EXPECTED_IOU = 0.25
EPSILON = 1e-4  # keeps the logit of an expected IoU finite for masks without any doubt


def probabilities_of(logits: Floats, best: Floats) -> Floats:
    """Return probabilities (N,M,M), a half where the best threshold on the logits is.

    `best` (N,) is their expected_iou.
    """
    least = np.log(np.maximum(best, MIN_EXPECTED_IOU))
    return _sigmoid(logits - least[:, None, None])


def quality_of(beside: Floats, best: Floats) -> Floats:
    """Return the IoU to expect (N,), of what a graph says (N,2) and the logits' expected_iou (N,).

    See QualityHead.beside_estimate and estimated_iou_logit.
    """
    estimate = np.clip(best, EPSILON, 1 - EPSILON)
    rest, share = beside.T
    return _sigmoid(rest + share * np.log(estimate / (1 - estimate)))


def expected_iou(logits: Floats) -> Floats:
    """Return the greatest expected IoU (N,) that a threshold on logits (N,M,M) has."""
    ascending = np.sort(_sigmoid(logits).reshape(len(logits), -1), axis=1)
    inside = ascending[:, ::-1].cumsum(axis=1, dtype=np.float32)
    area = np.arange(1, inside.shape[1] + 1, dtype=np.float32)
    best: Floats = (inside / (area + (inside[:, -1:] - inside))).max(axis=1)
    return best


def _sigmoid(logits: Floats) -> Floats:
    with np.errstate(over="ignore"):  # what overflows is a probability of 0
        found: Floats = np.reciprocal(1 + np.exp(-logits), dtype=np.float32)
    return found
