"""What a detector is: the same features that masks are made from, turned into boxes of classes.

Shapes: V views, K true boxes, D found boxes. Boxes are (x0, y0, x1, y1) in fractions of their view
(geometry.py); index says which view.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
    # (K,) int64, the place among the boxes whose masks are asked for, -1 for none of them; given
    # where masks are learnt on proposals.
    asked: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> "Truth":
        """Copy to a device."""
        boxes, labels, index, extents = (x.to(device, non_blocking=True) for x in self._columns())
        asked = None if self.asked is None else self.asked.to(device, non_blocking=True)
        return Truth(boxes, labels, index, extents, asked)

    def padded(self, share: Tensor) -> "Truth":
        """Return the truth of views that are padded: `share` (2,) of each side is what it was."""
        boxes, extents = self.boxes * share.repeat(2), self.extents * share
        return replace(self, boxes=boxes, extents=extents)

    @staticmethod
    def join(parts: "Sequence[Truth]", counts: Sequence[int] = ()) -> "Truth":
        """Put the truth of several views together, in order; `counts` of boxes are asked for."""
        boxes, labels, index, extents = zip(*(part._columns() for part in parts), strict=True)
        firsts = torch.tensor([0, *(len(one) for one in extents[:-1])]).cumsum(0)
        moved = [one + first for one, first in zip(index, firsts, strict=True)]
        joined = Truth(torch.cat(boxes), torch.cat(labels), torch.cat(moved), torch.cat(extents))
        if any(part.asked is None for part in parts):
            return joined
        before = torch.tensor([0, *counts]).cumsum(0).tolist()
        places = [
            torch.where(part.asked < 0, part.asked, part.asked + first)
            for part, first in zip(parts, before, strict=False)
            if part.asked is not None
        ]
        return replace(joined, asked=torch.cat(places))

    def _columns(self) -> tuple[Tensor, ...]:
        return self.boxes, self.labels, self.index, self.extents


class Positives(NamedTuple):
    """Proposals that hit a true box whose mask is asked for, to learn its mask on."""

    boxes: Tensor
    """(P, 4) float32."""
    views: Tensor
    """(P,) int64, on which view it is."""
    asked: Tensor
    """(P,) int64, which of the boxes that are asked for it hits."""


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
        """Return the losses by name, each weighted as published, for `learn`."""
        raise NotImplementedError

    def learn(
        self, stages: Sequence[Any], truth: Truth
    ) -> tuple[dict[str, Tensor], Positives | None]:
        """Return the losses, and the proposals that masks may be learnt on, if there are any."""
        return self.losses(stages, truth), None

    def class_rows(self) -> Tensor:
        """Return the weights (classes, D) that tell each class, those of the classifier first."""
        return torch.zeros(0, 0)

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
    finest: int = 8  # of the strides, for a detector that looks at some of them
    anchor: int = 8  # cells of a level to a side of its anchors
    samples: int = 512  # proposals of an image that a box head learns from, at most
    square: int = 1  # cells to the side of that around a centre in which a box is said
    layers: int = 1  # of heads that are convolutions, but for the last


@dataclass(frozen=True)
class DetectorType:
    """How a detector is built, and what there is to know of it before."""

    build: Callable[[DetectorSizes], Detector]
    family: str  # of the networks whose features it looks at
    mean_over: Mean  # what its losses are a mean over: it says how the parts of a step add up
