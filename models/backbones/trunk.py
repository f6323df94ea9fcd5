"""Trunks: networks that see the view at strides 4, 8, 16 and 32; a join makes one map of them.

Shapes: V views, C channels, H W a map's sides.
"""

from torch import Tensor, nn

from boxmask.models.pixels import PixelScale


class Trunk(nn.Module):
    """Map (V,3,H,W) to four maps at strides 4 to 32, finest first."""

    channels: tuple[int, ...]
    scale: PixelScale

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the four maps."""
        raise NotImplementedError


class Backbone(nn.Module):
    """Map (V,3,H,W) to one or more stages of features, each of `channels` channels.

    A stage is a stride-4 map, or for pyramids a list of maps at strides 4 to 64.
    """

    channels: int
    scale: PixelScale
    stages: int = 1


class Joined(Backbone):
    """A trunk and the join that makes one stage of its levels."""

    def __init__(self, trunk: Trunk, join: nn.Module, channels: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.join = join
        self.channels = channels
        self.scale = trunk.scale

    def forward(self, x: Tensor) -> list[Tensor] | list[list[Tensor]]:
        """Return one stage."""
        return [self.join(self.trunk(x))]
