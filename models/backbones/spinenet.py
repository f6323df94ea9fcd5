"""SpineNet, the backbone of the largest Deep-MARC: blocks at permuted scales, each on two others.

Shapes: V views, H W their sides, multiples of 128 as published, C channels. A feature of level l
has the stride 2^l.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import StochasticDepth

from boxmask.models.backbones.trunk import Backbone
from boxmask.models.initialise import kaiming_
from boxmask.models.norm import SpineNorm
from boxmask.models.normalise import IMAGENET
from boxmask.models.padding import SameConv2d, SameMaxPool2d


@dataclass(frozen=True)
class SpinePlan:
    """What the sizes of SpineNet differ in."""

    repeats: int
    """Blocks in each group."""
    alpha: float
    """Channels on the way from one feature to another, as a share."""


@dataclass(frozen=True)
class Spine:
    """One group of blocks: its level, its kind, and the two features that it is made from."""

    level: int
    bottleneck: bool
    parents: tuple[int, int]
    ends: bool = False
    """Whether it is an output."""


PLANS = {
    "spinenet49": SpinePlan(repeats=1, alpha=0.5),
    "spinenet96": SpinePlan(repeats=2, alpha=0.5),
    "spinenet143": SpinePlan(repeats=3, alpha=1.0),
}

_FIRST = (Spine(2, True, (0, 0)), Spine(2, True, (0, 0)))  # features 0 and 1, on the stem
SPINES = (
    Spine(2, True, (0, 1)),
    Spine(4, False, (0, 1)),
    Spine(3, True, (2, 3)),
    Spine(4, True, (2, 4)),
    Spine(6, False, (3, 5)),
    Spine(4, True, (3, 5)),
    Spine(5, False, (6, 7)),
    Spine(7, False, (6, 8)),
    Spine(5, True, (8, 9)),
    Spine(5, True, (8, 10)),
    Spine(4, True, (5, 10), ends=True),
    Spine(3, True, (4, 10), ends=True),
    Spine(5, True, (7, 12), ends=True),
    Spine(7, True, (5, 14), ends=True),
    Spine(6, True, (12, 14), ends=True),
)
_LEVELS = (3, 4, 5, 6, 7)
# Nothing is made from feature 11, so it is added where its level is an output.
_UNUSED, _ADDED_TO = 11, 14

_WIDTHS = {2: 64, 3: 128, 4: 256, 5: 256, 6: 256, 7: 256}
_BOTTLENECK = 4
_END = 256
_MOST_DROPPED = 0.2  # of the blocks of the last group, sample by sample, while training


def width_of(spine: Spine) -> int:
    """Return the channels of a feature."""
    return _WIDTHS[spine.level] * (_BOTTLENECK if spine.bottleneck else 1)


def conv_norm(inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    """Build convolution and norm."""
    conv: nn.Conv2d
    if stride > 1:
        conv = SameConv2d(inputs, outputs, kernel, stride)
    else:
        conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, SpineNorm(outputs))


class Block(nn.Module):
    """A bottleneck of three convolutions or two 3x3 ones, and a skip."""

    def __init__(self, inputs: int, spine: Spine, drop: float) -> None:
        super().__init__()
        width, outputs = _WIDTHS[spine.level], width_of(spine)
        sizes = (
            [(inputs, width, 1), (width, width, 3), (width, outputs, 1)]
            if spine.bottleneck
            else [(inputs, width, 3), (width, width, 3)]
        )
        self.steps = nn.ModuleList(conv_norm(*size) for size in sizes)
        self.skip = conv_norm(inputs, outputs) if inputs != outputs else nn.Identity()
        self.drop = StochasticDepth(drop, "row")

    def forward(self, x: Tensor) -> Tensor:
        """Map (V,C,H,W) to (V,C',H,W)."""
        skip = self.skip(x)
        for step in self.steps[:-1]:
            x = F.relu(step(x))
        return F.relu(self.drop(self.steps[-1](x)) + skip)


def _group(inputs: int, spine: Spine, repeats: int, drop: float = 0.0) -> nn.Sequential:
    """Build a group of blocks on `inputs` channels."""
    counts = [inputs, *[width_of(spine)] * (repeats - 1)]
    return nn.Sequential(*(Block(count, spine, drop) for count in counts))


class Resample(nn.Module):
    """Carry a feature over to the level and the channels of another."""

    def __init__(self, source: Spine, target: Spine, alpha: float) -> None:
        super().__init__()
        middle = int(_WIDTHS[source.level] * alpha)
        self.narrow = conv_norm(width_of(source), middle)
        self.halvings = target.level - source.level
        self.strided = conv_norm(middle, middle, 3, 2) if self.halvings > 0 else None
        self.pool = SameMaxPool2d()
        self.widen = conv_norm(middle, width_of(target))

    def forward(self, x: Tensor) -> Tensor:
        """Map (V,C,H,W) to (V,C',H',W')."""
        x = F.relu(self.narrow(x))
        if self.strided is not None:
            x = F.relu(self.strided(x))
            for _ in range(self.halvings - 1):
                x = self.pool(x)
        elif self.halvings < 0:
            x = F.interpolate(x, scale_factor=2**-self.halvings, mode="nearest")
        widened: Tensor = self.widen(x)
        return widened


class SpineNet(Backbone):
    """A pyramid of five maps of 256 channels at strides 8 to 128."""

    channels = _END
    scale = IMAGENET
    strides = tuple(1 << level for level in _LEVELS)

    def __init__(self, plan: SpinePlan) -> None:
        super().__init__()
        self.stem = conv_norm(3, 64, 7, 2)
        self.pool = SameMaxPool2d()
        widths = (64, width_of(_FIRST[0]))
        self.first = nn.ModuleList(
            _group(width, spine, plan.repeats) for width, spine in zip(widths, _FIRST, strict=True)
        )
        features = (*_FIRST, *SPINES)
        self.edges = nn.ModuleList(
            nn.ModuleList(Resample(features[one], spine, plan.alpha) for one in spine.parents)
            for spine in SPINES
        )
        self.blocks = nn.ModuleList(
            _group(width_of(one), one, plan.repeats, _MOST_DROPPED * number / len(SPINES))
            for number, one in enumerate(SPINES, 1)
        )
        ends = {one.level: width_of(one) for one in SPINES if one.ends}
        self.ends = nn.ModuleList(conv_norm(ends[level], _END) for level in _LEVELS)
        kaiming_(self)

    def forward(self, x: Tensor) -> list[list[Tensor]]:
        """Map (V,3,H,W) to one stage: the maps, finest first."""
        x = self.pool(F.relu(self.stem(x)))
        features: list[Tensor] = []
        for group in self.first:
            x = group(x)
            features.append(x)
        ends: dict[int, Tensor] = {}
        for number, (spine, edges, group) in enumerate(
            zip(SPINES, self.edges, self.blocks, strict=True), len(features)
        ):
            assert isinstance(edges, nn.ModuleList)
            parts = [edge(features[one]) for edge, one in zip(edges, spine.parents, strict=True)]
            if number == _ADDED_TO:
                parts.append(features[_UNUSED])
            features.append(group(F.relu(sum(parts[1:], parts[0]))))
            if spine.ends:
                ends[spine.level] = features[-1]
        finest_first = zip(self.ends, sorted(ends), strict=True)
        return [[F.relu(end(ends[level])) for end, level in finest_first]]
