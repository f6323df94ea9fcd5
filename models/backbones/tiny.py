"""A trunk of a few plain convolutions, for tests and demonstrations."""

from itertools import pairwise

from torch import Tensor, nn

from boxmask.models.backbones.necks import conv_norm_relu_layers
from boxmask.models.backbones.trunk import Trunk
from boxmask.models.initialise import glorot_
from boxmask.models.normalise import LITE


class TinyTrunk(Trunk):
    """Five strided convolutions."""

    fine_channels = 16
    channels = (24, 32, 48, 64)
    scale = LITE

    def __init__(self) -> None:
        super().__init__()
        sizes = (3, self.fine_channels, *self.channels)
        self.steps = nn.ModuleList(_strided(a, b) for a, b in pairwise(sizes))
        glorot_(self)

    def halvings(self) -> list[nn.ModuleList]:
        """Return the convolutions, each a halving."""
        return [nn.ModuleList([step]) for step in self.steps]

    def forward(self, x: Tensor, hints: Tensor | None = None) -> list[Tensor]:
        """Map (V,3,H,W) to five maps at strides 2 to 32."""
        levels = []
        for number, step in enumerate(self.steps):
            x = step(x)
            if number == 1:
                x = self.with_hints(x, hints)
            levels.append(x)
        return levels


def _strided(inputs: int, outputs: int) -> nn.Sequential:
    """Build a 3x3 convolution of stride 2 with norm and ReLU."""
    layers = conv_norm_relu_layers(inputs, outputs)
    layers[0] = nn.Conv2d(inputs, outputs, 3, 2, padding=1, bias=False)
    return nn.Sequential(*layers)
