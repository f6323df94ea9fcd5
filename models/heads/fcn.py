"""The default head of Mask R-CNN: four plain convolutions, class-agnostic.

Shapes: N boxes, C channels, R crop side.
"""

from torch import nn

from boxmask.models.heads.head import HeadSizes
from boxmask.models.heads.predictors import UpsamplingMaskPredictor
from boxmask.models.initialise import kaiming_
from boxmask.models.norm import PredictorNorm


class PlainBody(nn.Sequential):
    """Map a crop (N,C,R,R) to features (N,4nc,R,R)."""

    def __init__(self, inputs: int, base: int) -> None:
        self.channels = 4 * base
        layers: list[nn.Module] = []
        for channels in (inputs, *[self.channels] * 3):
            conv = nn.Conv2d(channels, self.channels, 3, padding=1)
            layers += [conv, PredictorNorm(self.channels), nn.ReLU(inplace=True)]
        super().__init__(*layers)
        kaiming_(self)


def build_fcn(sizes: HeadSizes) -> nn.Module:
    """Build the body and its predictor, which always upsamples and keeps the body's channels."""
    body = PlainBody(sizes.inputs, sizes.base)
    return nn.Sequential(body, UpsamplingMaskPredictor(body.channels, body.channels))
