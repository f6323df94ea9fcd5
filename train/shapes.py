"""Typical shapes, for heads that begin with some: taken from the masks that are to be learnt.

Shapes: N boxes, M mask side.
"""

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from boxmask.models.network import MaskNetwork
from boxmask.train.data.batch_dataset import BatchDataset

_MASKS = 1000  # that shapes are taken from, at most


@runtime_checkable
class FindsShapes(Protocol):
    """A head that wants to see masks before it learns anything."""

    def find_shapes(self, masks: Tensor) -> None:
        """Take typical shapes from masks (N,M,M)."""


def show_shapes(network: MaskNetwork, examples: BatchDataset) -> None:
    """Show the masks of the first steps to the heads that want to see some, and to no other.

    They are those of seen classes alone, and the same in every process.
    """
    heads = [module for module in network.modules() if isinstance(module, FindsShapes)]
    if heads:
        masks = _masks(examples)
        for head in heads:
            head.find_shapes(masks)


def _masks(examples: BatchDataset) -> Tensor:
    """Return the targets (N,M,M) of the first boxes that are learnt from, each drawn once."""
    count = min(_MASKS, len(examples.sampler.weights))
    parts = (examples.example(place, examples.config.model) for place in range(count))
    return torch.cat([part.targets[part.weights > 0] for part in parts])[:_MASKS]
