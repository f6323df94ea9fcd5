"""Mask^X R-CNN's two views of a mask: convolutions and one dense layer, their logits added.

The paper's weight transfer needs classes and is left out, as its authors did for their "MLP" rows
(with it: maskx.py); and the dense layer sees the features pooled to 7 x 7 instead of 28 x 28 cells:
a 32nd of its size.
Shapes: N boxes, C channels, R crop side, M = 2R mask side.
"""

from torch import Tensor, nn

from boxmask.models.heads.fcn import PlainBody
from boxmask.models.heads.head import HeadSizes
from boxmask.models.heads.predictors import UpsamplingMaskPredictor, resized

_POOLED, _SIDE, _SPREAD = 7, 28, 0.001


class WholeMask(nn.Module):
    """A dense layer on the pooled features of a mask."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(_POOLED)
        self.dense = nn.Linear(width * _POOLED**2, _SIDE**2)
        nn.init.normal_(self.dense.weight, std=_SPREAD)
        nn.init.zeros_(self.dense.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Map features (N,C,M,M) to logits (N,M,M)."""
        whole = self.dense(self.pool(features).flatten(1)).view(-1, _SIDE, _SIDE)
        return resized(whole, features.shape[-1])


class FCNMLPHead(WholeMask):
    """The plain head, and a dense layer on what its transposed convolution makes."""

    def __init__(self, sizes: HeadSizes) -> None:
        body = PlainBody(sizes.inputs, sizes.base)
        super().__init__(body.channels)
        self.body = body
        self.predictor = UpsamplingMaskPredictor(body.channels, body.channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N,C,R,R) to logits (N,M,M)."""
        features = self.predictor.enlarged(self.body(x))
        local: Tensor = self.predictor.project(features).squeeze(1)
        return local + super().forward(features)
