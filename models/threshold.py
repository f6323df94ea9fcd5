"""The threshold that makes a mask of probabilities, so that its expected IoU is greatest.

Shapes: N boxes, M mask side. Pixels are taken as independent, and the expectation of a quotient as
the quotient of expectations. With J the best such value over all thresholds, a pixel raises it
exactly if its probability is above J / (1 + J): a half only where there is no doubt, and less where
there is.
"""

import torch
from torch import Tensor

from boxmask.models.threshold_arrays import MIN_EXPECTED_IOU


def expected_iou(logits: Tensor) -> Tensor:
    """Return the greatest expected IoU (N,) that a threshold on probabilities (N,M,M) has."""
    descending = logits.detach().float().sigmoid().flatten(1).sort(dim=1, descending=True).values
    inside = descending.cumsum(dim=1)
    area = torch.arange(1, inside.shape[1] + 1, device=inside.device)
    outside = inside[:, -1:] - inside
    return (inside / (area + outside)).amax(dim=1)


def shift_to_best_threshold(logits: Tensor) -> Tensor:
    """Shift logits (N,M,M) so that a probability of a half is where the best threshold was."""
    # log J is the logit of J / (1 + J).
    return logits - expected_iou(logits).clamp(min=MIN_EXPECTED_IOU).log()[:, None, None]
