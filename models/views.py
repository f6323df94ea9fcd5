"""Views: cuts (cuts.py) as tensors, which PyTorch's networks look at.

Shapes: V views, h w their sides, N boxes, P S S hint planes, H W an image. Boxes of images are
(x0, y0, x1, y1) in pixels of the image, COCO convention; boxes of views are in fractions of the
view (crop.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from boxmask.models.config import ModelConfig
from boxmask.models.cuts import Boxes, Cuts, Floats, Pixels, cut
from boxmask.models.hints import Neighbours, X


@dataclass(frozen=True)
class Views:
    """Pixels uint8 (V,3,h,w) RGB; boxes float32 (N,4) in fractions of view index int64 (N,).

    Networks of window masks have hints float32 (V,P,S,S) beside: see hints.py. Those whose masks
    depend on the class have labels int64 (N,), places among their classes.
    """

    pixels: Tensor
    boxes: Tensor
    index: Tensor
    hints: Tensor | None = None
    labels: Tensor | None = None

    @staticmethod
    def of(cuts: Cuts) -> "Views":
        """Make tensors of cuts, in the same memory."""
        return Views(
            # A permuted view: the pixels stay channels-last, which the convolutions prefer.
            torch.from_numpy(cuts.pixels).permute(0, 3, 1, 2),
            torch.from_numpy(cuts.boxes),
            torch.from_numpy(cuts.index),
            None if cuts.hints is None else torch.from_numpy(cuts.hints),
            None if cuts.labels is None else torch.from_numpy(cuts.labels),
        )

    def __len__(self) -> int:
        return len(self.boxes)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> "Views":
        """Copy the views to a device."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> "Views":
        """Copy the views to pinned memory, as loaders do before a copy to the device."""
        return self._each(Tensor.pin_memory)

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Views":
        every = (self.pixels, self.boxes, self.index, self.hints, self.labels)
        pixels, boxes, index, *more = (None if one is None else change(one) for one in every)
        assert pixels is not None and boxes is not None and index is not None
        return Views(pixels, boxes, index, *more)

    def mirrored(self) -> "Views":
        """Return the mirror images; `crop` sees in them what it sees here, mirrored."""
        left, top, right, bottom = self.boxes.unbind(dim=1)
        boxes = torch.stack([1 - right, top, 1 - left, bottom], dim=1)
        hints = None
        if self.hints is not None:
            hints = self.hints.flip(-1)
            hints[:, X] *= -1
        return Views(self.pixels.flip(-1), boxes, self.index, hints, self.labels)

    def split(self, count: int) -> "list[Views]":
        """Split into runs of `count` boxes, each with the views that its boxes lie on."""
        return [self._run(start, start + count) for start in range(0, len(self), count)]

    def _run(self, start: int, stop: int) -> "Views":
        used, index = torch.unique(self.index[start:stop], return_inverse=True)
        hints = None if self.hints is None else self.hints[used]
        labels = None if self.labels is None else self.labels[start:stop]
        return Views(self.pixels[used], self.boxes[start:stop], index, hints, labels)

    @staticmethod
    def join(parts: "Sequence[Views]") -> "Views":
        """Put views of equal sides into one batch, in order."""
        counts = [len(part.pixels) for part in parts]
        firsts = np.cumsum([0, *counts[:-1]]).tolist()
        hints = [part.hints for part in parts if part.hints is not None]
        labels = [part.labels for part in parts if part.labels is not None]
        return Views(
            torch.cat([part.pixels for part in parts]),
            torch.cat([part.boxes for part in parts]),
            torch.cat([part.index + first for part, first in zip(parts, firsts, strict=True)]),
            torch.cat(hints) if hints else None,
            torch.cat(labels) if labels else None,
        )


def cut_views(
    config: ModelConfig,
    image: Pixels,
    boxes: Boxes,
    *,
    angles: Floats | None = None,
    tightness: float = 0.0,
    neighbours: Sequence[Neighbours] | None = None,
    large: bool = False,
) -> Views:
    """Cut what a network sees of the boxes (N,4) of an image (H,W,3), as `cut` does."""
    cuts = cut(
        *(config, image, boxes),
        angles=angles,
        tightness=tightness,
        neighbours=neighbours,
        large=large,
    )
    return Views.of(cuts)
