"""Trunks: networks that see the view at strides 2 to 32; a neck makes one map of the last four.

Shapes: V views, C channels, H W a map's sides, P S S hint planes at stride 4.
"""

from typing import Any, NamedTuple

from torch import Tensor, nn

from boxmask.errors import ConfigError
from boxmask.models.hints import PLANES
from boxmask.models.normalise import PixelScale
from boxmask.models.warm_start import copy_parts


class DetailedFeatures(NamedTuple):
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

    def halvings(self) -> list[nn.ModuleList]:
        """Return the modules of each halving of the view, from stride 2 on."""
        raise NotImplementedError

    def add_hint_layer(self) -> None:
        """Let the trunk see hints; at first they change nothing."""
        self.hints = nn.Conv2d(len(PLANES), self.channels[0], 3, padding=1, bias=False)
        nn.init.zeros_(self.hints.weight)

    def with_hints(self, x: Tensor, hints: Tensor | None) -> Tensor:
        """Add the hints (V,P,S,S), if the trunk sees any, to the stride-4 map (V,C,S,S)."""
        if self.hints is None or hints is None:
            return x
        summed: Tensor = x + self.hints(hints)
        return summed

    def start_from(self, other: nn.Module) -> None:
        """Take the weights of a trunk that sees hints or not; new hints change nothing at first."""
        copy_parts(self, other, optional=("hints",))


class Backbone(nn.Module):
    """Map (V,3,H,W) to one or more stages of features, each of `channels` channels.

    A stage is a stride-4 map, with a finer one if the backbone sees hints, or for pyramids a list
    of maps.
    """

    channels: int
    scale: PixelScale
    strides: tuple[int, ...] = (4,)
    """Of the maps of a stage, finest first."""
    stages: int = 1
    fine_channels: int = 0

    def first_parts(self, count: int) -> list[nn.Module]:
        """Return the first parts, by which the view is halved `count` times."""
        raise ConfigError(
            "freeze_halvings needs another backbone than a stacked hourglass; give 0."
        )

    def add_hint_layer(self) -> None:
        """Let the backbone see hints."""
        raise ConfigError(
            "window_masks needs a backbone that can see hints; choose tiny or an efficientnet-lite."
        )


class BackboneWithNeck(Backbone):
    """A trunk and the neck that makes one stage of its levels."""

    trunk: Trunk

    def __init__(
        self, trunk: Trunk, neck: nn.Module, channels: int, *, strides: tuple[int, ...] = (4,)
    ) -> None:
        super().__init__()
        self.trunk = trunk
        # Weights files know the neck by this name.
        self.join = neck
        self.channels = channels
        self.strides = strides
        self.scale = trunk.scale
        self.fine_channels = trunk.fine_channels

    def first_parts(self, count: int) -> list[nn.Module]:
        """Return the first parts of the trunk."""
        return list(self.trunk.halvings()[:count])

    def add_hint_layer(self) -> None:
        """Let the trunk see hints."""
        self.trunk.add_hint_layer()

    def forward(self, x: Tensor, hints: Tensor | None = None) -> list[Any]:
        """Return one stage."""
        fine, *levels = self.trunk(x, hints)
        joined = self.join(levels)
        return [DetailedFeatures(joined, fine) if self.trunk.hints is not None else joined]
