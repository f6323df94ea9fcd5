"""From stored pixels to network input: the constants belong to the backbone and travel with it.

Shapes: V views, H W their sides.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class PixelScale:
    """Mean and deviation per channel on the scale 0 to 255, in the order the backbone wants."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    bgr: bool = False


IMAGENET = PixelScale(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
LITE = PixelScale(mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0))
DEEPMAC = PixelScale(
    mean=(104.01362025, 114.03422265, 119.9165958),
    std=(73.6027665, 69.89082075, 70.9150767),
    bgr=True,
)


class Normalise(nn.Module):
    """Shift and scale RGB pixels (V,3,H,W), whole numbers or not, to what a backbone expects."""

    mean: Tensor
    std: Tensor

    def __init__(self, scale: PixelScale) -> None:
        super().__init__()
        self.bgr = scale.bgr
        self.register_buffer("mean", torch.tensor(scale.mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(scale.std).view(3, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        """Return float (V,3,H,W) in the backbone's channel order."""
        ordered = pixels.flip(1) if self.bgr else pixels
        return (ordered.to(self.mean.dtype) - self.mean) / self.std
