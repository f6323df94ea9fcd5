"""CenterNet, Deep-MAC's detector: an object is a peak of its class's heatmap.

Shapes: V views, C channels, H W the sides of the stride-4 map.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from boxmask.models.backbones.necks import conv_norm_relu_layers
from boxmask.models.detectors.center_targets import CenterTargets, center_targets, peaks
from boxmask.models.detectors.detector import MOST, Detections, Detector, DetectorSizes, Truth
from boxmask.models.initialise import glorot_

_RARE = -2.19  # logit of a centre at the start: one cell in ten, or the first losses are enormous
_SURE = 1e-4  # probabilities keep this far from 0 and 1
_WEIGHTS = {"heatmap": 1.0, "size": 0.1, "offset": 1.0}
_FAINT = 0.01  # standard deviation of the last weights of heads whose features are normed


class CenterMaps(NamedTuple):
    """What the heads say of one stage, float32."""

    heatmap: Tensor
    """Logits of centres (V, classes, H, W)."""
    size: Tensor
    """Height and width (V, 2, H, W), in cells."""
    offset: Tensor
    """y and x of the centre in its cell (V, 2, H, W)."""


class CenterHeads(nn.Module):
    """The three heads on one stage."""

    def __init__(self, sizes: DetectorSizes) -> None:
        super().__init__()
        self.heatmap = _head(sizes, sizes.classes)
        self.size = _head(sizes, 2)
        self.offset = _head(sizes, 2)
        glorot_(self)
        for head in (self.heatmap, self.size, self.offset) if sizes.layers > 1 else ():
            nn.init.normal_(cast(Tensor, head[-1].weight), std=_FAINT)
        nn.init.constant_(cast(Tensor, self.heatmap[-1].bias), _RARE)

    def forward(self, stage: Tensor) -> CenterMaps:
        """Map (V, C, H, W) to what is said at each cell."""
        return CenterMaps(*(head(stage).float() for head in (self.heatmap, self.size, self.offset)))


class CenterNet(Detector):
    """Three heads on each stage; the last one finds, the earlier ones help it to learn."""

    def __init__(self, sizes: DetectorSizes) -> None:
        super().__init__()
        self.classes = sizes.classes
        self.square = sizes.square
        self.stages = nn.ModuleList(CenterHeads(sizes) for _ in range(sizes.stages))

    def forward(self, stage: Tensor) -> CenterMaps:
        """Run the heads of the last stage."""
        maps: CenterMaps = self.stages[-1](stage)
        return maps

    def losses(self, stages: Sequence[Tensor], truth: Truth) -> dict[str, Tensor]:
        """Return the mean over the stages of the heatmap, size and offset losses."""
        height, width = stages[-1].shape[-2:]
        targets = center_targets(
            truth, classes=self.classes, height=height, width=width, square=self.square
        )
        maps = [heads(stage) for heads, stage in zip(self.stages, stages, strict=True)]
        each = [center_losses(one, targets) for one in maps]
        return {
            name: weight * torch.stack([one[name] for one in each]).mean()
            for name, weight in _WEIGHTS.items()
        }

    def detect(self, stage: Tensor, extents: Tensor) -> Detections:
        """Read the peaks of the last stage."""
        maps = self.forward(stage)
        return peaks(maps.heatmap.sigmoid(), maps.size, maps.offset, most=MOST)


def center_losses(maps: CenterMaps, targets: CenterTargets) -> dict[str, Tensor]:
    """Return each loss of one stage, divided by the number of boxes."""
    view, row, column = targets.cells
    terms = {"heatmap": penalty_reduced_focal(maps.heatmap, targets.heatmap) * targets.inside}
    for name, wanted in (("size", targets.sizes), ("offset", targets.offsets)):
        said = getattr(maps, name)[view, :, row, column]
        apart = (said - wanted).abs().sum(dim=1)  # both coordinates add up
        terms[name] = apart * targets.shares
    return {name: term.sum() / max(1, targets.boxes) for name, term in terms.items()}


def penalty_reduced_focal(logits: Tensor, target: Tensor) -> Tensor:
    """Return the focal loss of each cell, which forgives cells near a centre; alpha 2, beta 4."""
    p = logits.sigmoid().clamp(_SURE, 1 - _SURE)
    found = -((1 - p) ** 2) * p.log()
    missed = -((1 - target) ** 4) * p**2 * (1 - p).log()
    return torch.where(target == 1, found, missed)


def _head(sizes: DetectorSizes, outputs: int) -> nn.Sequential:
    """Build one head: a layer and an output, as published, or more layers, which are normed."""
    if sizes.layers == 1:
        return nn.Sequential(
            nn.Conv2d(sizes.channels, sizes.hidden, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(sizes.hidden, outputs, 1),
        )
    widths = [sizes.channels, *[sizes.hidden] * sizes.layers]
    layers = [part for pair in pairwise(widths) for part in conv_norm_relu_layers(*pair)]
    return nn.Sequential(*layers, nn.Conv2d(sizes.hidden, outputs, 1))
