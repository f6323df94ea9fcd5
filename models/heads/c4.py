"""Mask R-CNN's head on ResNet's fourth stage: that network's fifth stage, at half the crop's side.

Published beside a box branch that shares the stage; over given boxes the mask has it to itself.
Shapes: N boxes, C channels, R crop side, M mask side.
"""

from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck

from boxmask.models.heads.head import HeadSizes
from boxmask.models.heads.predictors import UpsamplingMaskPredictor, resized
from boxmask.models.initialise import kaiming_
from boxmask.models.norm import ResidualNorm


class C4Head(nn.Module):
    """Three bottlenecks, the first of stride 2; a transposed convolution; logits enlarged to M."""

    def __init__(self, sizes: HeadSizes) -> None:
        super().__init__()
        self.mask = sizes.mask
        narrow, wide = 2 * sizes.base, 8 * sizes.base
        shortcut = nn.Sequential(
            nn.Conv2d(sizes.inputs, wide, 1, stride=2, bias=False), ResidualNorm(wide)
        )
        self.layers = nn.Sequential(
            Bottleneck(sizes.inputs, narrow, 2, shortcut, norm_layer=ResidualNorm),
            Bottleneck(wide, narrow, norm_layer=ResidualNorm),
            Bottleneck(wide, narrow, norm_layer=ResidualNorm),
            UpsamplingMaskPredictor(wide, 4 * sizes.base),
        )
        kaiming_(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N,C,R,R) to logits (N,M,M)."""
        return resized(self.layers(x), self.mask)
