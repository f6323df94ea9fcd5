"""Necks: from maps at strides 4 to 32 to one stride-4 map, or to a pyramid.

Shapes: V views, C channels, H W a map's sides. Strided maps have ceil(side / 2) cells, so an
enlarged map may be one cell too long; it is cut, which keeps cell i over cells 2i and 2i+1.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from boxmask.models.initialise import glorot_, kaiming_
from boxmask.models.norm import PredictorNorm
from boxmask.models.padding import SameConv2d


def _enlarge(x: Tensor, *, like: Tensor) -> Tensor:
    """Repeat every cell of (V,C,H,W) twice each way, and cut to the sides of `like`."""
    height, width = like.shape[-2:]
    return F.interpolate(x, scale_factor=2, mode="nearest")[..., :height, :width]


def conv_norm_relu_layers(
    inputs: int, outputs: int, *, kernel: int = 3, groups: int = 1
) -> list[nn.Module]:
    """Build convolution, norm and ReLU, as layers of a longer sequence."""
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


class LightNeck(nn.Module):
    """Add the levels from the coarsest down, with separable convolutions between."""

    def __init__(self, inputs: Sequence[int], outputs: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(count, outputs, 1) for count in inputs)
        self.smooths = nn.ModuleList(
            nn.Sequential(
                *conv_norm_relu_layers(outputs, outputs, groups=outputs),
                *conv_norm_relu_layers(outputs, outputs, kernel=1),
            )
            for _ in inputs[1:]
        )
        self.last = nn.Sequential(*conv_norm_relu_layers(outputs, outputs))
        glorot_(self)

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """Map the levels, finest first, to (V,C,H,W) at the finest."""
        x: Tensor = self.laterals[-1](levels[-1])
        for i in reversed(range(len(levels) - 1)):
            lateral = self.laterals[i](levels[i])
            x = lateral + _enlarge(self.smooths[i](x), like=lateral)
        joined: Tensor = self.last(x)
        return joined


class CenterNetNeck(nn.Module):
    """The ResNet-FPN neck of CenterNet: laterals of 256, 128, 64 channels, a 64-channel map out."""

    laterals_out = (64, 128, 256)
    smooths_out = (64, 64, 128)

    def __init__(self, inputs: Sequence[int]) -> None:
        super().__init__()
        self.top = nn.Conv2d(inputs[-1], 256, 1)
        self.laterals = nn.ModuleList(
            nn.Conv2d(a, b, 1) for a, b in zip(inputs[:-1], self.laterals_out, strict=True)
        )
        self.smooths = nn.ModuleList(
            nn.Sequential(*conv_norm_relu_layers(a, b))
            for a, b in zip(self.laterals_out, self.smooths_out, strict=True)
        )
        glorot_(self)

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """Map the levels, finest first, to (V,64,H,W) at the finest."""
        x: Tensor = self.top(levels[-1])
        for i in reversed(range(len(levels) - 1)):
            lateral = self.laterals[i](levels[i])
            x = self.smooths[i](lateral + _enlarge(x, like=lateral))
        return x


class FPNNeck(nn.Module):
    """The feature pyramid of Deep-MARC: five maps at strides 4 to 64, all normed.

    The coarsest is a convolution of the one before, ahead of that one's norm.
    """

    strides = (4, 8, 16, 32, 64)

    def __init__(self, inputs: Sequence[int], outputs: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(count, outputs, 1) for count in inputs)
        self.smooths = nn.ModuleList(nn.Conv2d(outputs, outputs, 3, padding=1) for _ in inputs)
        self.coarser = SameConv2d(outputs, outputs, 3, 2, bias=True)
        self.norms = nn.ModuleList(PredictorNorm(outputs) for _ in self.strides)
        kaiming_(self)

    def forward(self, levels: Sequence[Tensor]) -> list[Tensor]:
        """Map the levels, finest first, to the pyramid, finest first."""
        x: Tensor = self.laterals[-1](levels[-1])
        summed = [x]
        for lateral, level in zip(reversed(self.laterals[:-1]), levels[-2::-1], strict=True):
            side = lateral(level)
            x = side + _enlarge(x, like=side)
            summed.append(x)
        maps = [smooth(one) for smooth, one in zip(self.smooths, reversed(summed), strict=True)]
        maps.append(self.coarser(maps[-1]))
        return [norm(one) for norm, one in zip(self.norms, maps, strict=True)]
