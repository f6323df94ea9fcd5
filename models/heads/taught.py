"""Heads that are taught more than their mask: what they say beside it, and how wrong that is.

Shapes: N boxes, M mask side.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

_STAGE_WEIGHTS = (1.0, 0.5, 0.25)  # as in Cascade R-CNN and HTC


class Aside(NamedTuple):
    """Something said beside a mask, first axis N, and its error (N,) given the targets (N,M,M)."""

    said: Tensor
    error: Callable[[Tensor, Tensor], Tensor]
    weight: float
    """Of the error, times that of the mask's own."""


class Answer(NamedTuple):
    """What such a head returns while training; afterwards it returns the logits alone."""

    logits: Tensor
    asides: tuple[Aside, ...]


def mask_error(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean binary cross-entropy (N,) of logits with targets, both (N,M,M)."""
    losses = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return losses.mean(dim=(1, 2))


def answer_of_stages(stages: Sequence[Tensor], *, training: bool) -> Tensor | Answer:
    """Answer by the mean of the masks of all stages, each of which is taught by itself."""
    mean = torch.stack([logits.float().sigmoid() for logits in stages]).mean(dim=0)
    logits = mean.logit(eps=1e-6)
    if not training:
        return logits
    asides = (
        Aside(one, mask_error, weight) for one, weight in zip(stages, _STAGE_WEIGHTS, strict=True)
    )
    return Answer(logits.detach(), tuple(asides))
