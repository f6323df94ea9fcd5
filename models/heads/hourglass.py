"""The hourglass heads, Deep-MAC's own: channel counts are multiples of the head's base channels.

Shapes: N boxes, C channels, R crop side.
"""

from dataclasses import replace

from torch import nn

from boxmask.models.hourglass import Hourglass, HourglassPlan, Residual, conv_norm_relu
from boxmask.models.initialise import glorot_

_HOURGLASS20 = HourglassPlan(channels=(2, 2, 3), blocks=(1, 2, 2))

PLANS = {
    "hourglass10": HourglassPlan(channels=(2, 2), blocks=(1, 1)),
    "hourglass20": _HOURGLASS20,
    "hourglass26": HourglassPlan(channels=(2, 2, 3, 4), blocks=(1, 2, 2, 1)),
    "hourglass32": HourglassPlan(channels=(2, 2, 3, 3), blocks=(2, 2, 2, 2)),
    "hourglass52": HourglassPlan(channels=(2, 2, 3, 3, 3, 4), blocks=(2, 2, 2, 2, 2, 4)),
    "hourglass100": HourglassPlan(channels=(2, 2, 3, 3, 3, 4), blocks=(4, 4, 4, 4, 4, 8)),
    "hourglass20-no-lrs": replace(_HOURGLASS20, long_skips=False),
    "hourglass20-no-ed": replace(_HOURGLASS20, stride=1),
}


class HourglassBody(nn.Sequential):
    """Map a crop (N,C,R,R) to features (N,2nc,R,R)."""

    def __init__(self, plan: HourglassPlan, inputs: int, base: int) -> None:
        scaled = plan.scaled(base)
        self.channels = scaled.channels[0]
        super().__init__(
            conv_norm_relu(inputs, base),
            Residual(base, self.channels, project=True),
            Hourglass(scaled),
            conv_norm_relu(self.channels, self.channels),
        )
        glorot_(self)
