"""Masks learnt on proposals: what a batch asks of boxes that a detector proposes near true ones.

Shapes: N true boxes, P proposals, M mask side. Boxes are in fractions of their view (crop.py).
"""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from boxmask.models.detectors import Positives
from boxmask.train.data.batch import Batch


def on_proposals(batch: Batch, positives: Positives) -> Batch:
    """Return a batch that asks for the masks of proposals; those of one object count as one."""
    of = positives.asked
    views = replace(batch.views, boxes=positives.boxes, index=positives.views)
    times = torch.bincount(of, minlength=len(batch.targets)).clamp(min=1)
    return replace(
        batch,
        views=views,
        targets=cut_to(positives.boxes, batch.targets[of], batch.views.boxes[of]),
        weights=(batch.weights / times)[of],
        names=tuple(batch.names[place] for place in of.tolist()),
    )


def cut_to(boxes: Tensor, targets: Tensor, true: Tensor) -> Tensor:
    """Return what masks (P,M,M) of true boxes (P,4) are in other boxes (P,4), corner to corner."""
    line = torch.linspace(0, 1, targets.shape[-1], device=boxes.device)
    x, y = (
        boxes[:, low, None] + line * (boxes[:, high] - boxes[:, low])[:, None]
        for low, high in ((0, 2), (1, 3))
    )
    x, y = (
        2 * (at - true[:, low, None]) / (true[:, high] - true[:, low])[:, None] - 1
        for at, low, high in ((x, 0, 2), (y, 1, 3))
    )
    side = targets.shape[-1]
    grid = torch.stack([x[:, None].expand(-1, side, -1), y[:, :, None].expand(-1, -1, side)], dim=3)
    return grid_sample(targets[:, None], grid, align_corners=True).squeeze(1)
