"""Mask predictors: from a body's features to logits, at the crop's own side or at twice that.

Shapes: N boxes, C channels, R crop side, M mask side, F channels of the backbone's finer map.
"""

from torch import Tensor, nn
from torch.nn.functional import interpolate

from boxmask.models.initialise import glorot_, kaiming_
from boxmask.models.norm import PredictorNorm
from boxmask.models.warm_start import copy_parts


class MaskPredictor(nn.Module):
    """One 1x1 convolution: M = R."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, 1, 1)
        glorot_(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N,C,R,R) to logits (N,R,R)."""
        logits: Tensor = self.project(x)
        return logits.squeeze(1)

    def start_from(self, other: nn.Module) -> None:
        """Take the weights of a predictor of the same kind; beside another kind, begin afresh."""
        if isinstance(other, MaskPredictor):
            copy_parts(self, other)


class Enlarger(nn.Module):
    """What all predictors of twice the crop's side begin with: a transposed convolution."""

    def __init__(self, channels: int, middle: int) -> None:
        super().__init__()
        self.enlarge = nn.ConvTranspose2d(channels, middle, 2, stride=2)
        self.norm = PredictorNorm(middle)
        self.relu = nn.ReLU(inplace=True)

    def enlarged(self, x: Tensor) -> Tensor:
        """Map (N,C,R,R) to features (N,C',2R,2R), of which the logits are a projection."""
        features: Tensor = self.relu(self.norm(self.enlarge(x)))
        return features


class UpsamplingMaskPredictor(Enlarger):
    """That of Deep-MAC, a transposed convolution before the projection: M = 2R."""

    def __init__(self, channels: int, middle: int, *, outputs: int = 1) -> None:
        super().__init__(channels, middle)
        self.project = nn.Conv2d(middle, outputs, 1)
        kaiming_(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N,C,R,R) to logits (N,2R,2R)."""
        logits: Tensor = self.project(self.enlarged(x))
        return logits.squeeze(1)

    def start_from(self, other: nn.Module) -> None:
        """Take the weights of an upsampling predictor; beside another kind, begin afresh."""
        if isinstance(other, UpsamplingMaskPredictor):
            copy_parts(self, other, optional=("lateral", "refine", "refined"))


class FineMaskPredictor(UpsamplingMaskPredictor):
    """The upsampling one, shown the backbone's finer map (N,F,2R,2R) where it decides."""

    def __init__(self, channels: int, middle: int, fine: int) -> None:
        super().__init__(channels, middle)
        self.lateral = nn.Conv2d(fine, middle, 1)
        self.refine = nn.Conv2d(middle, middle, 3, padding=1, bias=False)
        self.refined = PredictorNorm(middle)
        kaiming_(self)
        # At first it is the plain upsampling one; what it learns is added.
        nn.init.zeros_(self.lateral.weight)
        nn.init.zeros_(self.refined.weight)

    def forward(self, x: Tensor, fine: Tensor) -> Tensor:  # type: ignore[override]
        """Map (N,C,R,R) and (N,F,2R,2R) to logits (N,2R,2R)."""
        x = self.relu(self.norm(self.enlarge(x)) + self.lateral(fine))
        x = self.relu(x + self.refined(self.refine(x)))
        logits: Tensor = self.project(x)
        return logits.squeeze(1)


def resized(maps: Tensor, side: int) -> Tensor:
    """Resample maps (N,S,S) or (N,C,S,S) to another side, corner to corner, as masks are pasted."""
    if maps.shape[-1] == side:
        return maps
    planes = maps[:, None] if maps.dim() == 3 else maps
    return interpolate(planes, side, mode="bilinear", align_corners=True).view(
        *maps.shape[:-2], side, side
    )
