"""CPMask: what all classes share is an outline, and that a thing looks like itself.

A boundary stream is taught outlines and gated into the mask stream, in which every cell takes over
from those that look like it. As its authors' code has it, with two changes: the attention between
cells works on a crop reduced to about the published 14 x 14, and the term that keeps it inside the
object has a gradient (the code rebuilds it from numbers, so that it has none there).
Shapes: N boxes, C channels, R crop side, S that of the reduced crop, M = 2R mask side.
"""

import math

import torch
from torch import Tensor, nn

from boxmask.models.heads.bare import convolutions, predictor, to_channels
from boxmask.models.heads.cpmask_errors import boundary_error, outside_error
from boxmask.models.heads.head import HeadSizes
from boxmask.models.heads.predictors import resized
from boxmask.models.heads.taught import Answer, Aside
from boxmask.models.initialise import kaiming_

_PUBLISHED_SIDE, _SPREAD = 14, 0.001


class Affinity(nn.Module):
    """Attention from every cell of a map to every cell."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (_pointwise(channels) for _ in range(4))
        self.norm = nn.BatchNorm2d(channels, eps=1e-4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N,C,S,S) to what to add to it, and the shares (N,SS,SS) each cell takes of each."""
        query, key = (_standard(part(x)).flatten(2) for part in (self.query, self.key))
        shares = (query.transpose(1, 2) @ key / math.sqrt(x.shape[1])).softmax(dim=2)
        taken = self.value(x).flatten(2) @ shares.transpose(1, 2)
        return self.norm(self.out(taken.view_as(x))), shares


class CPMaskHead(nn.Module):
    """Boundary stream, gate, mask stream, affinity; the boundary is only there to be taught."""

    def __init__(self, sizes: HeadSizes) -> None:
        super().__init__()
        width = 4 * sizes.base
        self.reduce = to_channels(sizes.inputs, width)
        self.boundary, self.body = convolutions(width), convolutions(width)
        self.gate = nn.Conv2d(2 * width, 1, 1)
        norm = nn.GroupNorm(math.gcd(32, width), width)
        self.join = nn.Sequential(nn.Conv2d(width, width, 1, bias=False), norm, nn.ReLU())
        self.pool = nn.AvgPool2d(max(1, round(sizes.crop / _PUBLISHED_SIDE)), ceil_mode=True)
        self.affinity = Affinity(width)
        self.predict_boundary, self.predict_mask = predictor(width), predictor(width)
        kaiming_(self)
        for predict in (self.predict_boundary, self.predict_mask):
            nn.init.normal_(predict[-1].weight, std=_SPREAD)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor | Answer:
        """Map (N,C,R,R) to logits (N,M,M)."""
        x = self.reduce(x)
        outline = self.boundary(x)
        x = x + self.gate(torch.cat([x, outline], dim=1)).sigmoid() * outline
        x = self.body(self.join(x))
        alike, shares = self.affinity(self.pool(x))
        logits: Tensor = self.predict_mask(x + resized(alike, x.shape[-1])).squeeze(1)
        if not self.training:
            return logits
        edges = Aside(self.predict_boundary(outline).squeeze(1), boundary_error, 0.5)
        return Answer(logits, (edges, Aside(shares, outside_error, 0.5)))


def _pointwise(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, channels, 1), nn.ReLU())


def _standard(x: Tensor) -> Tensor:
    """Give the channels of every cell (N,C,S,S) the mean 0 and the deviation 1."""
    return (x - x.mean(dim=1, keepdim=True)) / (x.std(dim=1, keepdim=True) + 1e-5)
