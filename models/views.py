"""Views: what a network looks at, cut from decoded images before any network is involved.

Shapes: V views, h w their sides, N boxes, H W an image. Boxes of images are (x0, y0, x1, y1) in
pixels of the image, COCO convention; boxes of views are in fractions of the view (geometry.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from boxmask.models.config import ModelConfig
from boxmask.models.zoom import cut_boxes

Pixels = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.floating]

# Six halvings of a stride-4 map in the deepest hourglass end on whole cells.
PAD_MULTIPLE = 128


@dataclass(frozen=True)
class Views:
    """Pixels uint8 (V,3,h,w) RGB; boxes float32 (N,4) in fractions of view index int64 (N,)."""

    pixels: Tensor
    boxes: Tensor
    index: Tensor

    def __len__(self) -> int:
        return len(self.boxes)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> "Views":
        """Copy the views to a device."""
        return Views(
            self.pixels.to(device, non_blocking=non_blocking),
            self.boxes.to(device, non_blocking=non_blocking),
            self.index.to(device, non_blocking=non_blocking),
        )

    def pin_memory(self) -> "Views":
        """Copy the views to pinned memory, as loaders do before a copy to the device."""
        return Views(self.pixels.pin_memory(), self.boxes.pin_memory(), self.index.pin_memory())

    def mirrored(self) -> "Views":
        """Return the mirror images; `geometry.crop` sees in them what it sees here, mirrored."""
        left, top, right, bottom = self.boxes.unbind(dim=1)
        boxes = torch.stack([1 - right, top, 1 - left, bottom], dim=1)
        return Views(self.pixels.flip(-1), boxes, self.index)

    def split(self, count: int) -> "list[Views]":
        """Split into runs of `count` boxes, each with the views that its boxes lie on."""
        return [self._run(start, start + count) for start in range(0, len(self), count)]

    def _run(self, start: int, stop: int) -> "Views":
        used, index = torch.unique(self.index[start:stop], return_inverse=True)
        return Views(self.pixels[used], self.boxes[start:stop], index)

    @staticmethod
    def join(parts: "Sequence[Views]") -> "Views":
        """Put views of equal sides into one batch, in order."""
        counts = [len(part.pixels) for part in parts]
        firsts = np.cumsum([0, *counts[:-1]]).tolist()
        return Views(
            torch.cat([part.pixels for part in parts]),
            torch.cat([part.boxes for part in parts]),
            torch.cat([part.index + first for part, first in zip(parts, firsts, strict=True)]),
        )


def large_boxes(config: ModelConfig, boxes: Boxes) -> npt.NDArray[np.bool_]:
    """Tell which boxes (N,4) are to have large views: those whose window has pixels enough.

    A network shows finer outlines in a larger view than it learnt from, if there is more to see.
    """
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    if not config.view_per_box or config.large_view_size is None:
        return np.zeros(len(boxes), dtype=np.bool_)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    large: npt.NDArray[np.bool_] = config.context**2 * area >= config.large_view_size**2
    return large


def cut_views(config: ModelConfig, image: Pixels, boxes: Boxes, *, large: bool = False) -> Views:
    """Cut what the family of `config` wants to see of the boxes (N,4) from an image (H,W,3) RGB.

    Boxes have positive sides; where they leave the image, the network sees padding. No parameters
    are involved: workers may call this on any thread. `large` views are for `large_boxes`.
    """
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    if config.view_per_box:
        side = (config.large_view_size if large else None) or config.view_size
        pixels, fractions = cut_boxes(image, boxes, side=side, context=config.context)
        index = np.arange(len(boxes))
    else:
        pixels, fractions = whole(image, boxes, side=config.image_size, square=config.pad_square)
        index = np.zeros(len(boxes), dtype=np.int64)
    return Views(
        # A permuted view: the pixels stay channels-last, which the convolutions prefer.
        torch.from_numpy(pixels).permute(0, 3, 1, 2),
        torch.from_numpy(fractions.astype(np.float32)),
        torch.from_numpy(index),
    )


def whole(
    image: Pixels, boxes: Boxes, *, side: int, square: bool
) -> tuple[Pixels, npt.NDArray[np.float64]]:
    """Resize the long side to `side` and pad with zeros to the right and below.

    Returns pixels (1,h,w,3) and the boxes in fractions of the padded view. Unlike the original
    code, a reduction is antialiased: a 12 MP photograph would otherwise lose most of its pixels.
    """
    height, width = image.shape[:2]
    scale = side / max(height, width)
    small_w, small_h = (max(1, round(length * scale)) for length in (width, height))
    small = Image.fromarray(image).resize(
        (small_w, small_h), Image.Resampling.BILINEAR, reducing_gap=2.0
    )
    padded_w, padded_h = (
        side if square else -(-length // PAD_MULTIPLE) * PAD_MULTIPLE
        for length in (small_w, small_h)
    )
    view = np.zeros((1, padded_h, padded_w, 3), dtype=np.uint8)
    view[0, :small_h, :small_w] = small
    across, down = small_w / width / padded_w, small_h / height / padded_h
    return view, boxes * np.array([across, down, across, down])
