"""What a detector is: the same features that masks are made from, turned into boxes of classes.

Shapes: V views, K true boxes, D found boxes. Boxes are (x0, y0, x1, y1) in fractions of their view
(geometry.py); index says which view.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

MOST = 100  # boxes that are found in a view
Mean = Literal["boxes", "images"]


@dataclass(frozen=True, eq=False)
class Truth:
    """All true boxes of some views, of seen and unseen classes alike."""

    boxes: Tensor  # (K, 4) float32
    labels: Tensor  # (K,) int64, places in the config's classes
    index: Tensor  # (K,) int64
    extents: Tensor  # (V, 2) float32: the share of a view's width and height that is its image

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> "Truth":
        """Copy to a device."""
        copies = (x.to(device, non_blocking=True) for x in self._columns())
        return Truth(*copies)

    def padded(self, share: Tensor) -> "Truth":
        """Return the truth of views that are padded: `share` (2,) of each side is what it was."""
        boxes, extents = self.boxes * share.repeat(2), self.extents * share
        return Truth(boxes, self.labels, self.index, extents)

    @staticmethod
    def join(parts: "Sequence[Truth]") -> "Truth":
        """Put the truth of several views together, in order."""
        boxes, labels, index, extents = zip(*(part._columns() for part in parts), strict=True)
        firsts = torch.tensor([0, *(len(one) for one in extents[:-1])]).cumsum(0)
        moved = [one + first for one, first in zip(index, firsts, strict=True)]
        return Truth(torch.cat(boxes), torch.cat(labels), torch.cat(moved), torch.cat(extents))

    def _columns(self) -> tuple[Tensor, ...]:
        return self.boxes, self.labels, self.index, self.extents


class Detections(NamedTuple):
    """What was found, by view and from the best score down."""

    boxes: Tensor
    """(D, 4) float32."""
    labels: Tensor
    """(D,) int64, places in the config's classes."""
    scores: Tensor
    """(D,) float32, 0 to 1."""
    views: Tensor
    """(D,) int64, on which view it is."""


class Detector(nn.Module):
    """Finds boxes in the stages of a backbone."""

    def forward(self, stage: Any) -> Any:
        """Compute what finding boxes costs, whatever is found: it is what is counted."""
        raise NotImplementedError

    def losses(self, stages: Sequence[Any], truth: Truth) -> dict[str, Tensor]:
        """Return the losses by name, each weighted as published."""
        raise NotImplementedError

    def detect(self, stage: Any, extents: Tensor) -> Detections:
        """Find boxes in the last stage of views whose images fill `extents` (V, 2) of them."""
        raise NotImplementedError


@dataclass(frozen=True)
class DetectorSizes:
    """What a detector looks at and tells apart."""

    channels: int  # of a stage
    stages: int
    classes: int
    hidden: int  # channels between its layers, where they are free
    strides: tuple[int, ...] = (4,)  # pixels of a view to a cell of each level, finest first


@dataclass(frozen=True)
class DetectorType:
    """How a detector is built, and what there is to know of it before."""

    build: Callable[[DetectorSizes], Detector]
    family: str  # of the networks whose features it looks at
    mean_over: Mean  # what its losses are a mean over: it says how the parts of a step add up
