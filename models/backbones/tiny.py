"""A trunk of a few plain convolutions, for tests and demonstrations."""

from itertools import pairwise

from torch import Tensor, nn

from boxmask.models.backbones.joins import smooth
from boxmask.models.backbones.trunk import Trunk
from boxmask.models.initial import glorot_
from boxmask.models.pixels import LITE


class TinyTrunk(Trunk):
    """Five strided convolutions; the last four are the levels."""

    channels = (24, 32, 48, 64)
    scale = LITE

    def __init__(self) -> None:
        super().__init__()
        sizes = (3, 16, *self.channels)
        self.steps = nn.ModuleList(strided(a, b) for a, b in pairwise(sizes))
        glorot_(self)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map (V,3,H,W) to four maps at strides 4 to 32."""
        levels = []
        for step in self.steps:
            x = step(x)
            levels.append(x)
        return levels[1:]


def strided(inputs: int, outputs: int) -> nn.Sequential:
    """Build a 3x3 convolution of stride 2 with norm and ReLU."""
    layers = smooth(inputs, outputs)
    layers[0] = nn.Conv2d(inputs, outputs, 3, 2, padding=1, bias=False)
    return nn.Sequential(*layers)
