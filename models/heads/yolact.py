"""YOLACT: prototypes that are the same for all objects, mixed by coefficients of the one asked for.

Published over a whole image, with coefficients from an anchor's features and a mask cut to its box;
here the prototypes are drawn over the crop, and the coefficients come from the mean of all that is
known of the box, of which its instance embedding is a part as it is.
Shapes: N boxes, C channels, R crop side, M mask side.
"""

from torch import Tensor, nn

from boxmask.models.heads.head import HeadSizes
from boxmask.models.initialise import glorot_

_PROTOTYPES = 32


class YOLACTHead(nn.Module):
    """A protonet of five convolutions; masks are sums of its maps, some of them subtracted."""

    def __init__(self, sizes: HeadSizes) -> None:
        super().__init__()
        width = 4 * sizes.base
        scale = sizes.mask // sizes.crop
        self.protonet = nn.Sequential(
            *(_conv(sizes.inputs, width), _conv(width, width), _conv(width, width)),
            nn.Upsample(scale_factor=scale, mode="bilinear", align_corners=True),
            _conv(width, width),
            *(nn.Conv2d(width, _PROTOTYPES, 1), nn.ReLU(inplace=True)),
        )
        self.coefficients = nn.Sequential(nn.Linear(sizes.inputs, _PROTOTYPES), nn.Tanh())
        glorot_(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N,C,R,R) to logits (N,M,M)."""
        signs = self.coefficients(x.mean(dim=(2, 3)))
        logits: Tensor = (self.protonet(x) * signs[:, :, None, None]).sum(dim=1)
        return logits


def _conv(inputs: int, outputs: int) -> nn.Sequential:
    """Build a 3x3 convolution and ReLU."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True))
