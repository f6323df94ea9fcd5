"""The ResNet heads, plain and dilated: no change of resolution anywhere.

Shapes: N boxes, C channels, R crop side.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from boxmask.models.initialise import glorot_
from boxmask.models.norm import ResidualNorm


@dataclass(frozen=True)
class ResidualPlan:
    """Stacks of (channels, as a multiple of the base; blocks), and how many kernels are dilated."""

    stacks: tuple[tuple[int, int], ...]
    dilated: int = 0


PLANS = {
    "resnet4": ResidualPlan(((2, 2),)),
    "resnet8": ResidualPlan(((2, 4),)),
    "resnet12": ResidualPlan(((2, 6),)),
    "resnet16": ResidualPlan(((2, 8),)),
    "resnet20": ResidualPlan(((2, 8), (3, 2))),
    "resnet20-dilated10": ResidualPlan(((2, 8), (3, 2)), dilated=10),
    "resnet20-dilated20": ResidualPlan(((2, 8), (3, 2)), dilated=20),
}


class PreActivation(nn.Module):
    """Norm and ReLU before the first convolution and after each; nothing after the sum."""

    def __init__(
        self, inputs: int, outputs: int, *, project: bool, dilations: tuple[int, int]
    ) -> None:
        super().__init__()
        self.before = nn.Sequential(ResidualNorm(inputs), nn.ReLU())
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if project else None
        first, second = dilations
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=first, dilation=first, bias=False),
            ResidualNorm(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=second, dilation=second, bias=False),
            ResidualNorm(outputs),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N,C,R,R) to (N,C',R,R)."""
        active = self.before(x)
        skip = x if self.shortcut is None else self.shortcut(active)
        summed: Tensor = skip + self.body(active)
        return summed


def _dilations(dilated: int) -> tuple[int, int]:
    """Return the dilations of a block's two kernels, for 0, 10 or 20 dilated kernels of 20.

    Which ten are dilated was never published. The second of each block is our choice: alternating
    plain and dilated kernels see every pixel, while ten dilated in a row leave a grid of holes.
    """
    return {0: (1, 1), 10: (1, 2), 20: (2, 2)}[dilated]


class ResidualBody(nn.Sequential):
    """Map a crop (N,C,R,R) to features (N,C',R,R)."""

    def __init__(self, plan: ResidualPlan, inputs: int, base: int) -> None:
        layers: list[nn.Module] = [nn.Conv2d(inputs, base, 1)]
        channels = base
        for multiple, count in plan.stacks:
            for block in range(count):
                layers.append(
                    PreActivation(
                        channels,
                        multiple * base,
                        project=block == 0,
                        dilations=_dilations(plan.dilated),
                    )
                )
                channels = multiple * base
        self.channels = channels
        super().__init__(*layers)
        glorot_(self)
