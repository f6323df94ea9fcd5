"""Tails: from a head's features to logits, at the crop's own side or at twice that.

Shapes: N boxes, C channels, R crop side, M mask side.
"""

from torch import Tensor, nn

from boxmask.models.initial import glorot_, kaiming_
from boxmask.models.norm import TailNorm


class Project(nn.Module):
    """One 1x1 convolution: M = R."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, 1, 1)
        glorot_(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N,C,R,R) to logits (N,R,R)."""
        logits: Tensor = self.project(x)
        return logits.squeeze(1)


class Enlarge(nn.Module):
    """The Deep-MARC tail, a transposed convolution before the projection: M = 2R."""

    def __init__(self, channels: int, middle: int) -> None:
        super().__init__()
        self.enlarge = nn.ConvTranspose2d(channels, middle, 2, stride=2)
        self.norm = TailNorm(middle)
        self.relu = nn.ReLU(inplace=True)
        self.project = nn.Conv2d(middle, 1, 1)
        kaiming_(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N,C,R,R) to logits (N,2R,2R)."""
        logits: Tensor = self.project(self.relu(self.norm(self.enlarge(x))))
        return logits.squeeze(1)
