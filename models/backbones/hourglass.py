"""The stacked hourglass backbones of Deep-MAC, one output map per stack.

Shapes: V views, H W the sides of a view.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from boxmask.models.backbones.trunk import Backbone
from boxmask.models.heads.hourglass import PLANS
from boxmask.models.hourglass import Hourglass, HourglassPlan, Residual, conv_norm_relu
from boxmask.models.initialise import glorot_
from boxmask.models.normalise import DEEPMAC


@dataclass(frozen=True)
class StackPlan:
    """The sizes of one backbone."""

    hourglass: HourglassPlan
    stem: int
    """Channels of the first convolution."""
    stacks: int = 1


_LARGE = HourglassPlan(channels=(256, 256, 384, 384, 384, 512), blocks=(2, 2, 2, 2, 2, 4))
# Base channels of those with one stack, which are built like the heads of their names.
_BASES = {"hourglass10": 32, "hourglass20": 48, "hourglass32": 48, "hourglass52": 64}
STACKS = {
    **{name: StackPlan(PLANS[name].scaled(base), stem=base) for name, base in _BASES.items()},
    "hourglass104": StackPlan(_LARGE, stem=128, stacks=2),
}


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
    """Stem, then hourglasses joined by junctions; stride 4."""

    scale = DEEPMAC

    def __init__(self, plan: StackPlan) -> None:
        super().__init__()
        self.stages = plan.stacks
        self.channels = channels = plan.hourglass.channels[0]
        self.stem = nn.Sequential(
            conv_norm_relu(3, plan.stem, kernel=7, stride=2),
            Residual(plan.stem, channels, stride=2, project=True),
        )
        self.stacks = nn.ModuleList(Hourglass(plan.hourglass) for _ in range(plan.stacks))
        self.outputs = nn.ModuleList(conv_norm_relu(channels, channels) for _ in range(plan.stacks))
        self.junctions = nn.ModuleList(Junction(channels) for _ in range(plan.stacks - 1))
        glorot_(self)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map (V,3,H,W) to one (V,C,H/4,W/4) per stack."""
        x = self.stem(x)
        maps: list[Tensor] = []
        for i, (stack, output) in enumerate(zip(self.stacks, self.outputs, strict=True)):
            if i > 0:
                x = self.junctions[i - 1](x, maps[-1])
            maps.append(output(stack(x)))
        return maps
