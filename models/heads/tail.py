"""Tails: from a head's features to logits, at the crop's own side or at twice that.

Shapes: N boxes, C channels, R crop side, M mask side.
"""

from torch import Tensor, nn

from boxmask.models.initial import glorot_, kaiming_
from boxmask.models.norm import TailNorm
from boxmask.models.warm_start import copy_parts

# What an enlarging tail has only where it is shown a finer map.
FINE_PARTS = ("lateral", "refine", "refined")


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

    def start_from(self, other: nn.Module) -> None:
        """Take the weights of one of the same kind, and nothing of another kind."""
        if isinstance(other, Project):
            copy_parts(self, other)


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

    def start_from(self, other: nn.Module) -> None:
        """Take the weights of one of the same kind, and nothing of another kind."""
        if isinstance(other, Enlarge):
            copy_parts(self, other, optional=FINE_PARTS)


class FineEnlarge(Enlarge):
    """The enlarging tail, shown the backbone's finer map (N,F,2R,2R) where it decides."""

    def __init__(self, channels: int, middle: int, fine: int) -> None:
        super().__init__(channels, middle)
        self.lateral = nn.Conv2d(fine, middle, 1)
        self.refine = nn.Conv2d(middle, middle, 3, padding=1, bias=False)
        self.refined = TailNorm(middle)
        kaiming_(self)
        # At first it is the plain tail; what it learns is added.
        nn.init.zeros_(self.lateral.weight)
        nn.init.zeros_(self.refined.weight)

    def forward(self, x: Tensor, fine: Tensor) -> Tensor:  # type: ignore[override]
        """Map (N,C,R,R) and (N,F,2R,2R) to logits (N,2R,2R)."""
        x = self.relu(self.norm(self.enlarge(x)) + self.lateral(fine))
        x = self.relu(x + self.refined(self.refine(x)))
        logits: Tensor = self.project(x)
        return logits.squeeze(1)
