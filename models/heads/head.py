"""What a mask head is: a body and a mask predictor on its features, or a module of its own kind.

Shapes: N boxes, C channels, R crop side, M mask side (R or 2R), F channels of a finer map.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, cast

from torch import Tensor, nn

from boxmask.models.config import TRANSFER, Transfer
from boxmask.models.heads.predictors import (
    FineMaskPredictor,
    MaskPredictor,
    UpsamplingMaskPredictor,
)


@dataclass(frozen=True)
class HeadSizes:
    """What a head is given and what it makes: crops (N,inputs,R,R), mask logits (N,M,M)."""

    inputs: int
    base: int
    """Base channels, the papers' nc."""
    crop: int
    mask: int
    fine: int = 0
    """Channels F of the backbone's finer map (N,F,2R,2R), if the head is shown it."""
    classes: int = 1
    """What boxes may be, for the heads that ask what a box is."""
    cls: int = 1024
    """Numbers of a class in the box head's classifier."""
    box: int = 4096
    """Numbers of a class in its regressor."""
    transfer: Transfer = TRANSFER


class Classes(NamedTuple):
    """What the heads are given that ask what a box is, beside its crop."""

    labels: Tensor
    """(N,) int64, places among the classes."""
    rows: Tensor
    """(K, cls + box), the box head's weights of each class; (K, 0) if the detector has none."""


class Body(Protocol):
    """A module that maps crops (N,C,R,R) to features (N,channels,R,R)."""

    channels: int


class ConvolutionalHead(nn.Sequential):
    """A body and the mask predictor that the mask side asks for."""

    def __init__(self, body: Body, sizes: HeadSizes) -> None:
        # A Protocol cannot say that bodies are modules.
        super().__init__(cast(nn.Module, body), _mask_predictor(body.channels, sizes))

    def forward(self, crops: Tensor, *fine: Tensor) -> Tensor:
        """Map (N,C,R,R), with or without (N,F,2R,2R), to logits (N,M,M)."""
        body, predictor = self
        logits: Tensor = predictor(body(crops), *fine)
        return logits


def _mask_predictor(channels: int, sizes: HeadSizes) -> nn.Module:
    if sizes.fine:
        return FineMaskPredictor(channels, sizes.base, sizes.fine)
    if sizes.mask == sizes.crop:
        return MaskPredictor(channels)
    return UpsamplingMaskPredictor(channels, sizes.base)


@dataclass(frozen=True)
class HeadType:
    """An entry of the registry: how a head is built, and what it can do."""

    build: Callable[[HeadSizes], nn.Module]
    always_upsamples: bool = False
    """Masks have twice the crop's side, and no other."""
    sees_fine_map: bool = False
    """It can be shown the backbone's finer map, which window masks need."""


def convolutional(make_body: Callable[[int, int], Body]) -> HeadType:
    """Return the entry of a head whose body is made from its input and its base channels."""

    def build(sizes: HeadSizes) -> nn.Module:
        return ConvolutionalHead(make_body(sizes.inputs, sizes.base), sizes)

    return HeadType(build, sees_fine_map=True)
