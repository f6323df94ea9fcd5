"""The losses, as free functions over logits.

Shapes: N boxes, M mask side, I images. A share (N,) is what one box counts for in the sum of a
step's losses: all the ways to normalise are ways to share. A box of weight 0 has share 0.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from boxmask.models.detectors.detector import Mean
from boxmask.models.network import Prediction
from boxmask.train.data.batch import Batch
from boxmask.train.data.targets import true_iou
from boxmask.train.recipe import LossWeights, Normalise


@dataclass(frozen=True)
class Totals:
    """What a whole step holds, over all its parts and processes."""

    weight: float
    images: float
    boxes: float = 0.0  # true ones, for a detector


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Average the binary cross-entropy with soft targets over each mask: (N,M,M) to (N,)."""
    losses = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return losses.mean(dim=(1, 2))


def dice(logits: Tensor, targets: Tensor) -> Tensor:
    """Return one minus the soft Dice overlap of each mask: (N,M,M) to (N,)."""
    probability = logits.sigmoid()
    both = (probability * targets).sum(dim=(1, 2))
    either = (probability + targets).sum(dim=(1, 2))
    return 1 - 2 * both / either.clamp(min=1.0)


def shares(batch: Batch, normalise: Normalise, totals: Totals) -> Tensor:
    """Divide a step's loss among the boxes of one of its parts (N,).

    image: mean over the boxes of an image, then over images, as the paper; batch: mean over
    all boxes; pixels: Deep-MARC's sum over pixels, whose 0.01 shows only in an empty batch.
    """
    weights = batch.weights
    if normalise == "image":
        sums = weights.new_zeros(batch.images).index_add_(0, batch.views.index, weights)
        return weights / sums.clamp(min=1.0)[batch.views.index] / max(1.0, totals.images)
    if normalise == "batch":
        return weights / max(1.0, totals.weight)
    pixels = batch.targets[0].numel() if len(batch.targets) else 1
    return weights * pixels / (totals.weight * pixels + 0.01)


def losses(
    prediction: Prediction, batch: Batch, *, config: LossWeights, totals: Totals
) -> dict[str, Tensor]:
    """Return the weighted losses by name; their sum is what is minimised."""
    share = shares(batch, config.normalise, totals)
    outputs = [prediction.logits, *(prediction.auxiliary if config.auxiliary else ())]
    outputs = [logits.float() for logits in outputs]

    def total(of_one: Tensor) -> Tensor:
        return (share * of_one).sum()

    parts = {
        "mask": config.mask
        * torch.stack([total(cross_entropy(logits, batch.targets)) for logits in outputs]).mean()
    }
    if prediction.asides and config.asides:
        errors = [
            aside.weight * total(aside.error(aside.said.float(), batch.targets))
            for aside in prediction.asides
        ]
        stages = 1 + len(prediction.auxiliary)
        parts["asides"] = config.mask * config.asides * torch.stack(errors).sum() / stages
    if config.dice:
        each = [total(dice(logits, batch.targets)) for logits in outputs]
        parts["dice"] = config.dice * torch.stack(each).mean()
    if config.quality:
        quality = prediction.quality_logits.float()
        target = true_iou(prediction.logits.detach().float(), batch.iou_samples)
        error = F.binary_cross_entropy_with_logits(quality, target, reduction="none")
        parts["quality"] = config.quality * total(error)
    return parts


def detection_losses(
    found: dict[str, Tensor],
    batch: Batch,
    *,
    mean_over: Mean,
    config: LossWeights,
    totals: Totals,
) -> dict[str, Tensor]:
    """Weigh a detector's losses of one part of a step, means over its boxes or images, so that
    those of all parts add up to the mean of the step."""
    assert batch.truth is not None
    of_part, of_step = {
        "boxes": (len(batch.truth), totals.boxes),
        "images": (batch.images, totals.images),
    }[mean_over]
    weight = config.detection * max(1, of_part) / max(1.0, of_step)
    return {name: weight * value for name, value in found.items()}
