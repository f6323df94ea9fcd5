"""PSPNet: dilated convolutions, and what the whole crop holds pooled at four resolutions.

Its ResNet is three convolutions here, and its softmax over classes one logit. Context without an
encoder-decoder: the control for how far a head sees.
Shapes: N boxes, C channels, R crop side.
"""

import torch
from torch import Tensor, nn

from boxmask.models.heads.predictors import resized
from boxmask.models.hourglass import conv_norm_relu
from boxmask.models.initialise import kaiming_
from boxmask.models.norm import HourglassNorm

_BINS = (1, 2, 3, 6)
_DILATIONS = (1, 2, 4)


class PyramidPooling(nn.Module):
    """Append to features what they are on average in 1, 4, 9 and 36 parts of the crop."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        part = channels // len(_BINS)
        self.channels = channels + part * len(_BINS)
        self.levels = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(bins), conv_norm_relu(channels, part, kernel=1))
            for bins in _BINS
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N,C,R,R) to (N,2C,R,R)."""
        pooled = (resized(level(x), x.shape[-1]) for level in self.levels)
        return torch.cat([x, *pooled], dim=1)


class PSPBody(nn.Sequential):
    """Map a crop (N,C,R,R) to features (N,4nc,R,R)."""

    def __init__(self, inputs: int, base: int) -> None:
        self.channels = 4 * base
        widths = (inputs, self.channels, self.channels)
        dilated = (
            _dilated(a, self.channels, step) for a, step in zip(widths, _DILATIONS, strict=True)
        )
        pyramid = PyramidPooling(self.channels)
        super().__init__(*dilated, pyramid, conv_norm_relu(pyramid.channels, self.channels))
        kaiming_(self)


def _dilated(inputs: int, outputs: int, dilation: int) -> nn.Sequential:
    """Build a 3x3 convolution that keeps the size, norm and ReLU."""
    conv = nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation, bias=False)
    return nn.Sequential(conv, HourglassNorm(outputs), nn.ReLU(inplace=True))
