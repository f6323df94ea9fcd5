"""Mask^X R-CNN: the last layer of a class's mask is made from its weights in the box head.

Boxes of all classes teach the box head, so classes without masks get a mask layer too.
Shapes: N boxes, C channels, R crop side, M = 2R mask side, K classes, D numbers of a class.
"""

import torch
from torch import Tensor, nn

from boxmask.models.config import Transfer
from boxmask.models.heads.fcn import PlainBody
from boxmask.models.heads.fcn_mlp import WholeMask
from boxmask.models.heads.head import Classes, HeadSizes
from boxmask.models.heads.predictors import Enlarger
from boxmask.models.initialise import kaiming_

_RANDOM = 300  # numbers of a class that mean nothing: as many as the paper's word vectors have
_SLOPE = 0.1


class WeightTransfer(nn.Module):
    """From what is known of classes (K,D) to a projection for each (K,C), without a bias."""

    def __init__(self, config: Transfer, *, cls: int, box: int, width: int, classes: int) -> None:
        """Take `cls` and `box` numbers of the box head's classifier and regressor for a class."""
        super().__init__()
        self.detach = config.stop_gradient
        used = {"cls": slice(cls), "box": slice(cls, None), "cls+box": slice(None)}
        self.columns = used.get(config.source)
        if self.columns is None:
            self.register_buffer("rows", torch.randn(classes, _RANDOM))
        inputs = len(range(cls + box)[self.columns]) if self.columns is not None else _RANDOM
        layers: list[nn.Module] = [nn.Linear(inputs, width)]
        for _ in range(config.layers - 1):
            layers += [_activation(config.activation), nn.Linear(width, width)]
        self.layers = nn.Sequential(*layers)
        kaiming_(self)

    def forward(self, rows: Tensor) -> Tensor:
        """Map the box head's weights (K,D) to kernels (K,C)."""
        known = self.get_buffer("rows") if self.columns is None else rows[:, self.columns]
        kernels: Tensor = self.layers(known.detach() if self.detach else known)
        return kernels


class MaskXHead(nn.Module):
    """The plain head, whose projection is the class's own, and a dense layer that knows none."""

    def __init__(self, sizes: HeadSizes) -> None:
        super().__init__()
        self.body = PlainBody(sizes.inputs, sizes.base)
        width = self.body.channels
        self.predictor = Enlarger(width, width)
        kaiming_(self.predictor)
        self.transfer = WeightTransfer(
            sizes.transfer, cls=sizes.cls, box=sizes.box, width=width, classes=sizes.classes
        )
        self.whole = WholeMask(width) if sizes.transfer.dense else None

    def forward(self, x: Tensor, classes: Classes) -> Tensor:
        """Map (N,C,R,R) to the logits (N,M,M) of each box's class."""
        features = self.predictor.enlarged(self.body(x))
        kernels = self.transfer(classes.rows)[classes.labels]
        logits = torch.einsum("nchw,nc->nhw", features, kernels.to(features.dtype))
        return logits if self.whole is None else logits + self.whole(features)


def _activation(name: str) -> nn.Module:
    kinds = {"leaky-relu": nn.LeakyReLU(_SLOPE), "relu": nn.ReLU(), "none": nn.Identity()}
    return kinds[name]
