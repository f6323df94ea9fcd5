"""Between our truth and detections, in fractions of views, and torchvision's lists in pixels.

Shapes: V views, levels of a pyramid (V,C,H,W) each, finest first, D found boxes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torchvision.models.detection.image_list import ImageList

from boxmask.models.detectors.detector import Detections, Truth


@dataclass(frozen=True, eq=False)
class PixelFrame:
    """The views of a batch as torchvision thinks of them."""

    sides: tuple[int, int]  # height and width of all views, pixels
    images: ImageList  # without pixels: only sizes are asked for

    @classmethod
    def of(cls, finest: Tensor, stride: int, extents: Tensor) -> "PixelFrame":
        """Describe the views of a finest level (V,C,H,W), whose images fill `extents` (V,2)."""
        height, width = (stride * side for side in finest.shape[-2:])
        across, down = (extents.cpu() * torch.tensor([width, height])).unbind(dim=1)
        sizes = [(float(h), float(w)) for h, w in zip(down.tolist(), across.tolist(), strict=True)]
        empty = torch.empty((len(sizes), 1, height, width), device="meta")
        return cls((height, width), ImageList(empty, sizes))

    def targets(self, truth: Truth, *, first: int) -> list[dict[str, Tensor]]:
        """Return the boxes (K,4) of each view in pixels, with classes counted from `first`, and
        where they stand in the truth."""
        boxes = truth.boxes * truth.boxes.new_tensor([*self.sides[::-1], *self.sides[::-1]])
        # Neither torchvision nor anybody learns from boxes without an area.
        sound = (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
        mine = [(truth.index == view) & sound for view in range(len(truth.extents))]
        return [
            {
                "boxes": boxes[one],
                "labels": truth.labels[one] + first,
                "rows": one.nonzero().squeeze(1),
            }
            for one in mine
        ]

    def fractions(self, boxes: Tensor) -> Tensor:
        """Return boxes (n,4) in pixels in fractions of their view."""
        return boxes.float() / boxes.new_tensor([*self.sides[::-1], *self.sides[::-1]])

    def detections(self, found: Sequence[dict[str, Tensor]], *, first: int) -> Detections:
        """Return what was found in each view, in fractions of it."""
        boxes = torch.cat([one["boxes"] for one in found])
        index = [torch.full_like(one["labels"], view) for view, one in enumerate(found)]
        return Detections(
            self.fractions(boxes),
            torch.cat([one["labels"] for one in found]) - first,
            torch.cat([one["scores"] for one in found]).float(),
            torch.cat(index),
        )


def in_float(levels: Sequence[Tensor]) -> list[Tensor]:
    """Return levels as float32: losses are not computed in less."""
    return [level.float() for level in levels]


def by_name(levels: Sequence[Tensor]) -> dict[str, Any]:
    """Return levels under the names that torchvision gives them."""
    return {str(place): level for place, level in enumerate(levels)}
