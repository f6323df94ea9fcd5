"""Where to cut probabilities into a mask, so that its expected IoU with the truth is greatest.

Shapes: N boxes, M mask side. Pixels are taken as independent, and the expectation of a quotient as
the quotient of expectations. With J the best such value over all cuts, a pixel raises it exactly if
its probability is above J / (1 + J): a half only where there is no doubt, and less where there is.
"""

import torch
from torch import Tensor

# A mask in more doubt is cut as if it were in this much: nothing good would come of cutting lower.
LEAST = 0.25


def expected_iou(logits: Tensor) -> Tensor:
    """Return the greatest expected IoU (N,) that a cut through the probabilities (N,M,M) has."""
    descending = logits.detach().float().sigmoid().flatten(1).sort(dim=1, descending=True).values
    inside = descending.cumsum(dim=1)
    area = torch.arange(1, inside.shape[1] + 1, device=inside.device)
    outside = inside[:, -1:] - inside
    return (inside / (area + outside)).amax(dim=1)


def at_best_cut(logits: Tensor) -> Tensor:
    """Shift logits (N,M,M) so that a probability of a half is where the best cut was."""
    # log J is the logit of J / (1 + J).
    return logits - expected_iou(logits).clamp(min=LEAST).log()[:, None, None]
