"""The true IoU of predicted masks, measured at the pixels where pasting would put them.

Letters: N boxes, M mask side, K rows and columns of pixels. A mask is pasted by sampling its
probabilities at every pixel of the box; so here, at the same pixels, all boxes in one product.
In a box of more than K rows or columns, K of them stand for all, evenly spread.
"""

import torch
from torch import Tensor

from boxmask.models.cut import at_best_cut
from boxmask.train.batch import Truth


def interpolation(places: Tensor, side: int) -> Tensor:
    """Return the bilinear weights (N,K,M) of cells 0..M-1 at places (N,K); NaN weighs nothing."""
    cells = torch.arange(side, dtype=places.dtype, device=places.device)
    return (1 - (places[..., None] - cells).abs()).clamp(min=0).nan_to_num(0)


@torch.no_grad()
def true_iou(logits: Tensor, truth: Truth) -> Tensor:
    """Return the IoU (N,) of pasted predictions with the true masks."""
    probability = at_best_cut(logits).sigmoid()
    side = logits.shape[-1]
    rows, columns = interpolation(truth.rows, side), interpolation(truth.columns, side)
    pasted = rows @ probability @ columns.transpose(1, 2) > 0.5  # (N, K, K)
    both = (pasted & truth.bits).sum(dim=(1, 2))
    either = (pasted | truth.bits).sum(dim=(1, 2)) + truth.missed
    return both / either.clamp(min=1)
