"""The stacked hourglass backbones of Deep-MAC, one output map per stack.

Shapes: V views, H W the sides of a view.
"""

from torch import Tensor, nn

from boxmask.models.backbones.trunk import Backbone
from boxmask.models.hourglass import Hourglass, HourglassPlan, Residual, conv_norm_relu
from boxmask.models.initialise import glorot_
from boxmask.models.normalise import DEEPMAC

PLAN = HourglassPlan(channels=(256, 256, 384, 384, 384, 512), blocks=(2, 2, 2, 2, 2, 4))
STACKS = {"hourglass52": 1, "hourglass104": 2}


class Junction(nn.Module):
    """Carry a stack's input and output over to the next stack."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.carry = conv_norm_relu(channels, channels, kernel=1, relu=False)
        self.result = conv_norm_relu(channels, channels, kernel=1, relu=False)
        self.relu = nn.ReLU(inplace=True)
        self.residual = Residual(channels, channels, project=False)

    def forward(self, x: Tensor, output: Tensor) -> Tensor:
        """Map two (V,C,H,W) to one."""
        joined: Tensor = self.residual(self.relu(self.carry(x) + self.result(output)))
        return joined


class StackedHourglass(Backbone):
    """Stem, then hourglasses joined by junctions; stride 4, 256 channels."""

    channels = PLAN.channels[0]
    scale = DEEPMAC

    def __init__(self, stacks: int) -> None:
        super().__init__()
        self.stages = stacks
        self.stem = nn.Sequential(
            conv_norm_relu(3, 128, kernel=7, stride=2),
            Residual(128, self.channels, stride=2, project=True),
        )
        self.stacks = nn.ModuleList(Hourglass(PLAN) for _ in range(stacks))
        self.outputs = nn.ModuleList(
            conv_norm_relu(self.channels, self.channels) for _ in range(stacks)
        )
        self.junctions = nn.ModuleList(Junction(self.channels) for _ in range(stacks - 1))
        glorot_(self)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map (V,3,H,W) to one (V,256,H/4,W/4) per stack."""
        x = self.stem(x)
        maps: list[Tensor] = []
        for i, (stack, output) in enumerate(zip(self.stacks, self.outputs, strict=True)):
            if i > 0:
                x = self.junctions[i - 1](x, maps[-1])
            maps.append(output(stack(x)))
        return maps
