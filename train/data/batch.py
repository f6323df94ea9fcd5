"""A training batch: views, what their masks should be, and where each box came from.

Shapes: N boxes, M mask side, K rows and columns, at most, at which the true IoU is measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from boxmask.models.detectors import Truth
from boxmask.models.views import Views


@dataclass(frozen=True, eq=False)
class IoUSamples:
    """True masks at pixels of the image, to measure the IoU that pasting would give."""

    rows: Tensor  # (N, K) float32, in cells of the mask, 0 to M-1; NaN where there is none
    columns: Tensor  # (N, K) likewise
    bits: Tensor  # (N, K, K) bool
    missed: Tensor  # (N,) float32, pixels of the true mask outside the box

    @classmethod
    def empty(cls, max_pixels: int) -> "IoUSamples":
        """Return the samples of no box."""
        places = torch.zeros(0, max_pixels)
        return cls(
            places, places, torch.zeros(0, max_pixels, max_pixels, dtype=torch.bool), torch.zeros(0)
        )

    @classmethod
    def join(cls, parts: Sequence["IoUSamples"]) -> "IoUSamples":
        """Put the boxes of several parts into one."""
        return cls(*(torch.cat([getattr(part, f.name) for part in parts]) for f in fields(cls)))

    def to(self, device: torch.device) -> "IoUSamples":
        """Move to a device."""
        return IoUSamples(
            *(getattr(self, f.name).to(device, non_blocking=True) for f in fields(self))
        )


@dataclass(frozen=True, eq=False)
class Batch:
    """What one forward pass learns from."""

    views: Views
    targets: Tensor  # (N, M, M) float32 in [0, 1]
    weights: Tensor  # (N,) float32, 0 for boxes whose mask is not to be learnt
    iou_samples: IoUSamples
    names: tuple[str, ...]  # (N,) file and annotation id, for messages
    left_out: tuple[str, ...] = ()  # why something drawn for it could not be used
    truth: Truth | None = None  # for a detector

    @property
    def images(self) -> int:
        """Count the views."""
        return self.views.pixels.shape[0]

    @classmethod
    def join(cls, parts: Sequence["Batch"]) -> "Batch":
        """Put several parts into one batch."""
        return cls(
            _join_padded([part.views for part in parts]),
            torch.cat([part.targets for part in parts]),
            torch.cat([part.weights for part in parts]),
            IoUSamples.join([part.iou_samples for part in parts]),
            tuple(name for part in parts for name in part.names),
            tuple(reason for part in parts for reason in part.left_out),
            _join_truth(parts),
        )

    def to(self, device: torch.device) -> "Batch":
        """Move to a device."""
        return replace(
            self,
            views=self.views.to(device),
            targets=self.targets.to(device, non_blocking=True),
            weights=self.weights.to(device, non_blocking=True),
            iou_samples=self.iou_samples.to(device),
            truth=None if self.truth is None else self.truth.to(device),
        )


def _join_padded(parts: Sequence[Views]) -> Views:
    """Join views whose sides may differ, as images of several shapes do, padded as each was."""
    height, width = _largest(parts)
    return Views.join([_padded(part, height, width) for part in parts])


def _join_truth(parts: Sequence[Batch]) -> Truth | None:
    """Join the truth of views that are padded to be joined; None if there is none."""
    height, width = _largest([part.views for part in parts])
    padded = [
        part.truth.padded(_share(part.views, height, width))
        for part in parts
        if part.truth is not None
    ]
    return Truth.join(padded, [len(part.views) for part in parts]) if padded else None


def _largest(parts: Sequence[Views]) -> tuple[int, int]:
    """Return the height and width that hold all of the views."""
    return max(p.pixels.shape[2] for p in parts), max(p.pixels.shape[3] for p in parts)


def _padded(views: Views, height: int, width: int) -> Views:
    h, w = views.pixels.shape[2:]
    if (h, w) == (height, width):
        return views
    pixels = torch.nn.functional.pad(views.pixels, (0, width - w, 0, height - h))
    share = _share(views, height, width).repeat(2)
    return replace(views, pixels=pixels, boxes=views.boxes * share)


def _share(views: Views, height: int, width: int) -> torch.Tensor:
    """Return the share (2,) of the padded width and height that views have."""
    h, w = views.pixels.shape[2:]
    return torch.tensor([w / width, h / height])
