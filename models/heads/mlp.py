"""Mask R-CNN's mask branch of dense layers, which lost to convolutions in its paper.

Published with an output for each class; over boxes of any class it has one.
Shapes: N boxes, C channels, R crop side, M mask side.
"""

from torch import Tensor, nn

from boxmask.models.heads.head import HeadSizes
from boxmask.models.heads.predictors import resized
from boxmask.models.initialise import kaiming_

_POOLED, _HIDDEN, _SIDE = 14, 1024, 28


class MLPHead(nn.Module):
    """The crop pooled to 14 x 14, two hidden layers, 28 x 28 logits enlarged to M."""

    def __init__(self, sizes: HeadSizes) -> None:
        super().__init__()
        self.mask = sizes.mask
        self.layers = nn.Sequential(
            nn.AdaptiveAvgPool2d(_POOLED),
            nn.Flatten(),
            nn.Linear(sizes.inputs * _POOLED**2, _HIDDEN),
            nn.ReLU(inplace=True),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.ReLU(inplace=True),
            nn.Linear(_HIDDEN, _SIDE**2),
            nn.Unflatten(1, (_SIDE, _SIDE)),
        )
        kaiming_(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N,C,R,R) to logits (N,M,M)."""
        return resized(self.layers(x), self.mask)
