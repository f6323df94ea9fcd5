"""The hourglass: the encoder-decoder of both the best heads and the Deep-MAC backbone.

Shapes: N boxes or images, C channels, H W the map. Every convolution pads to keep the size (divided
by its stride), has no bias, and is followed by a norm.
"""

from dataclasses import dataclass, replace
from typing import cast

from torch import Tensor, nn

from boxmask.models.norm import HourglassNorm
from boxmask.models.warm_start import MisfitError, copy_parts, start_from

_FAINT = 0.1  # of what a block would answer, where it is added to a trained network


@dataclass(frozen=True)
class HourglassPlan:
    """The sizes of one hourglass; stage 0 is the resolution of its input."""

    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    long_skips: bool = True
    stride: int = 2

    def scaled(self, factor: int) -> "HourglassPlan":
        """Return the plan with every channel count multiplied by `factor`."""
        return replace(self, channels=tuple(factor * count for count in self.channels))


def depth(plan: HourglassPlan, *, stacks: int = 1) -> int:
    """Count layers as the names do: long skips, 1x1 skips and the projection are left out."""
    around = sum(4 * count for count in plan.blocks[:-1])
    stack = around + 2 * plan.blocks[-1] + 1
    return 3 + stacks * stack + 3 * (stacks - 1)


def conv_norm_relu(
    inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, relu: bool = True
) -> nn.Sequential:
    """Build convolution, norm and, if wanted, ReLU."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    layers: list[nn.Module] = [conv, HourglassNorm(outputs)]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if relu else nn.Sequential(*layers)


class Residual(nn.Module):
    """Two 3x3 convolutions and a skip, added before the last ReLU."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, project: bool) -> None:
        super().__init__()
        self.first = conv_norm_relu(inputs, outputs, stride=stride)
        self.second = conv_norm_relu(outputs, outputs, relu=False)
        self.skip: nn.Module = nn.Identity()
        if project:
            self.skip = conv_norm_relu(inputs, outputs, kernel=1, stride=stride, relu=False)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N,C,H,W) to (N,C',H/stride,W/stride)."""
        summed: Tensor = self.relu(self.second(self.first(x)) + self.skip(x))
        return summed

    def fade(self, share: float) -> None:
        """Let a new block answer with a share of what it would."""
        if isinstance(self.skip, nn.Identity):
            raise MisfitError("A block without a projection cannot begin faint.")
        for branch in (self.second, self.skip):
            for norm in branch.modules():
                if isinstance(norm, HourglassNorm):
                    nn.init.constant_(norm.weight, share)


def _residual_blocks(
    inputs: int, outputs: int, count: int, *, stride: int = 1, middle: int | None = None
) -> nn.Sequential:
    """Build `count` residual blocks, `middle` channels in all but the last, the stride first."""
    sizes = [inputs, *[middle or outputs] * (count - 1), outputs]
    strides = [stride, *[1] * (count - 1)]
    return nn.Sequential(
        *(
            Residual(a, b, stride=step, project=step > 1 or a != b)
            for a, b, step in zip(sizes, sizes[1:], strides, strict=False)
        )
    )


class Hourglass(nn.Module):
    """One encoder-decoder; keeps its input's channels and size."""

    def __init__(self, plan: HourglassPlan, *, stage: int = 0) -> None:
        super().__init__()
        here, below = plan.channels[stage : stage + 2]
        count = plan.blocks[stage]
        self.shortcut = _residual_blocks(here, here, count) if plan.long_skips else None
        self.encode = _residual_blocks(here, below, count, stride=plan.stride)
        last = stage == len(plan.blocks) - 2
        self.inner: nn.Module = (
            _residual_blocks(below, below, plan.blocks[-1])
            if last
            else Hourglass(plan, stage=stage + 1)
        )
        self.decode = _residual_blocks(below, here, count, middle=below)
        self.enlarge = nn.Upsample(scale_factor=plan.stride, mode="nearest")

    def forward(self, x: Tensor) -> Tensor:
        """Map (N,C,H,W) to the same shape."""
        height, width = x.shape[-2:]
        # Odd sides are halved upwards, so what comes back may be a cell too long.
        inner: Tensor = self.enlarge(self.decode(self.inner(self.encode(x))))
        inner = inner[..., :height, :width]
        return inner if self.shortcut is None else inner + self.shortcut(x)

    def start_from(self, other: nn.Module) -> None:
        """Deepen a shallower hourglass: its innermost blocks become the shortcut of a new stage.

        The new stage is added to that shortcut and begins faint, so that masks change little.
        """
        if isinstance(other, Hourglass):
            copy_parts(self, other)
        elif self.shortcut is None:
            raise MisfitError("An hourglass without long skips cannot be deepened.")
        else:
            start_from(self.shortcut, other)
            cast(Residual, self.decode[-1]).fade(_FAINT)
