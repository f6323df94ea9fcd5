"""Batch normalisation: every choice about it, and the reason, in this one place.

The originals have their quirks; each is decided here.

1. Momentum. The hourglass code says 0.1 in the Keras sense (the new batch weighs 0.9), which looks
   like a copy of PyTorch's 0.1 (the new batch weighs 0.1). Running statistics of one batch are too
   noisy for the few boxes of our batches, so the default is PyTorch's 0.1 everywhere;
   `paper_momentum` sets each layer to what the original code did.
2. Padded boxes. The originals fill every image up to 100 boxes with empty ones, and their batch
   statistics include those. We only ever run boxes that exist: the empty ones describe the padding,
   whose share differs between training and use.
3. A single value. At the 1x1 bottom of a deep hourglass, one box alone has one value per channel
   and no variance; the running statistics take over instead of ending a training run.
4. Epsilon differs by part and is kept as published, since weights may be carried over.
"""

import torch.nn.functional as F
from torch import Tensor, nn


class Norm(nn.BatchNorm2d):
    """Batch normalisation of (N,C,H,W), with the momentum that was published for it."""

    paper_momentum: float

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N,C,H,W)."""
        if self.training and x.numel() == x.shape[1]:
            return F.batch_norm(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(x)


class HourglassNorm(Norm):
    """The norm of hourglass heads and backbones."""

    paper_momentum = 0.9

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-5)


class ResidualNorm(Norm):
    """The norm of the ResNet heads."""

    paper_momentum = 0.01

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1.001e-5)


class PredictorNorm(Norm):
    """The norm of Deep-MARC: of its pyramid, its plain head and its upsampling mask predictor."""

    paper_momentum = 0.003

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-4)


class SpineNorm(Norm):
    """The norm of SpineNet."""

    paper_momentum = 0.01

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-3)


def use_constants_of_spinenet(network: nn.Module) -> None:
    """Give the norms of Deep-MARC the constants that they have beside a SpineNet."""
    for module in network.modules():
        if isinstance(module, PredictorNorm):
            module.eps, module.paper_momentum = 1e-3, SpineNorm.paper_momentum


def use_paper_momentum(network: nn.Module) -> None:
    """Set every norm that has a published momentum to it, in PyTorch's sense."""
    for module in network.modules():
        if isinstance(module, Norm):
            module.momentum = module.paper_momentum
