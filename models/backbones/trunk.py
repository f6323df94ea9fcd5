"""Trunks: networks that see the view at strides 2 to 32; a join makes one map of the last four.

Shapes: V views, C channels, H W a map's sides, P S S hint planes at stride 4.
"""

from typing import Any, NamedTuple

from torch import Tensor, nn

from boxmask.errors import ConfigError
from boxmask.models.hints import PLANES
from boxmask.models.pixels import PixelScale
from boxmask.models.warm_start import copy_parts


class Detailed(NamedTuple):
    """A stride-4 map (V,C,H,W) and the trunk's stride-2 map (V,F,2H,2W), for sharp masks."""

    features: Tensor
    fine: Tensor


class Trunk(nn.Module):
    """Map (V,3,H,W) to five maps at strides 2 to 32, finest first."""

    fine_channels: int
    """Of the stride-2 map."""
    channels: tuple[int, ...]
    """Of the other four."""
    scale: PixelScale

    def __init__(self) -> None:
        super().__init__()
        # What is added to the stride-4 map; the coarser ones are made from that.
        self.hints: nn.Conv2d | None = None

    def forward(self, x: Tensor, hints: Tensor | None = None) -> list[Tensor]:
        """Return the five maps."""
        raise NotImplementedError

    def steps_down(self) -> list[nn.ModuleList]:
        """Return the modules of each halving of the view, from stride 2 on."""
        raise NotImplementedError

    def learn_hints(self) -> None:
        """Let the trunk be told; at first, what it is told changes nothing."""
        self.hints = nn.Conv2d(len(PLANES), self.channels[0], 3, padding=1, bias=False)
        nn.init.zeros_(self.hints.weight)

    def told(self, x: Tensor, hints: Tensor | None) -> Tensor:
        """Add what the hints say to the stride-4 map."""
        if self.hints is None or hints is None:
            return x
        told: Tensor = x + self.hints(hints)
        return told

    def start_from(self, other: nn.Module) -> None:
        """Take the weights of a trunk that sees hints or not; new hints change nothing at first."""
        copy_parts(self, other, optional=("hints",))


class Backbone(nn.Module):
    """Map (V,3,H,W) to one or more stages of features, each of `channels` channels.

    A stage is a stride-4 map, with a finer one if the backbone is told hints, or for pyramids a
    list of maps at strides 4 to 64.
    """

    channels: int
    scale: PixelScale
    stages: int = 1
    fine_channels: int = 0

    def first_parts(self, count: int) -> list[nn.Module]:
        """Return the first parts, by which the view is halved `count` times."""
        raise ConfigError("freeze_halvings needs another backbone than a stacked hourglass; give 0")

    def learn_hints(self) -> None:
        """Let the backbone be told hints."""
        raise ConfigError(
            "window_masks needs a backbone that can be told of boxes; choose tiny or an "
            "efficientnet-lite"
        )


class Joined(Backbone):
    """A trunk and the join that makes one stage of its levels."""

    trunk: Trunk

    def __init__(self, trunk: Trunk, join: nn.Module, channels: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.join = join
        self.channels = channels
        self.scale = trunk.scale
        self.fine_channels = trunk.fine_channels

    def first_parts(self, count: int) -> list[nn.Module]:
        """Return the first parts of the trunk."""
        return list(self.trunk.steps_down()[:count])

    def learn_hints(self) -> None:
        """Let the trunk be told hints."""
        self.trunk.learn_hints()

    def forward(self, x: Tensor, hints: Tensor | None = None) -> list[Any]:
        """Return one stage."""
        fine, *levels = self.trunk(x, hints)
        joined = self.join(levels)
        return [Detailed(joined, fine) if self.trunk.hints is not None else joined]
