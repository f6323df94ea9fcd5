"""Cuts: what a network looks at, cut from decoded images before any network is involved.

Shapes: V views, h w their sides, N boxes, P S S hint planes, H W an image. Boxes of images are
(x0, y0, x1, y1) in pixels of the image, COCO convention; boxes of views are in fractions of the
view (crop.py). Nothing here needs PyTorch; views.py makes tensors of cuts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from boxmask.models.config import MAP_STRIDE, ModelConfig
from boxmask.models.hints import PLANES, Neighbours, Planes, X, hint_planes
from boxmask.models.zoom import ImagePyramid, cut_boxes, reduction_for, windows_of

Pixels = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.floating]
Floats = npt.NDArray[np.float64]

# Six halvings of a stride-4 map in the deepest hourglass end on whole cells.
_PAD_MULTIPLE = 128
# Deep-MAC was made with black below and beside the image, Deep-MARC with the mean colour.
_BLACK = (0, 0, 0)
_PADDING = {"deepmarc": (124, 116, 104)}  # to the nearest of normalise.IMAGENET


@dataclass(frozen=True, eq=False)
class Cuts:
    """Pixels uint8 (V,h,w,3) RGB; boxes float32 (N,4) in fractions of view index int64 (N,).

    Networks of window masks have hints float32 (V,P,S,S) beside: see hints.py. Those whose masks
    depend on the class have labels int64 (N,), places among their classes.
    """

    pixels: Pixels
    boxes: npt.NDArray[np.float32]
    index: npt.NDArray[np.int64]
    hints: Planes | None = None
    labels: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.boxes)

    def first(self, count: int) -> "Cuts":
        """Return the first boxes, with all the views."""
        labels = None if self.labels is None else self.labels[:count]
        return Cuts(self.pixels, self.boxes[:count], self.index[:count], self.hints, labels)

    def mirrored(self) -> "Cuts":
        """Return the mirror images; `crop` sees in them what it sees here, mirrored."""
        left, top, right, bottom = self.boxes.T
        hints = None
        if self.hints is not None:
            hints = self.hints[..., ::-1].copy()
            hints[:, X] *= -1
        boxes = np.stack([1 - right, top, 1 - left, bottom], axis=1)
        pixels = np.ascontiguousarray(self.pixels[:, :, ::-1])
        return Cuts(pixels, boxes, self.index, hints, self.labels)

    @staticmethod
    def join(parts: "Sequence[Cuts]") -> "Cuts":
        """Put cuts of equal sides into one batch, in order."""
        counts = [len(part.pixels) for part in parts]
        firsts = np.cumsum([0, *counts[:-1]]).tolist()
        hints = [part.hints for part in parts if part.hints is not None]
        labels = [part.labels for part in parts if part.labels is not None]
        return Cuts(
            np.concatenate([part.pixels for part in parts]),
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.index + first for part, first in zip(parts, firsts, strict=True)]),
            np.concatenate(hints) if hints else None,
            np.concatenate(labels) if labels else None,
        )


def context_of(config: ModelConfig, tightness: float) -> float:
    """Return the side of a view's window in sides of its box: a loose box shows more around it."""
    return config.context + 2 * tightness * config.window_masks


def mask_frames(config: ModelConfig, boxes: Boxes, *, tightness: float = 0.0) -> Floats:
    """Return what the masks of the boxes (N,4) span, in pixels: their windows, or themselves."""
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    if not config.window_masks:
        return boxes
    return windows_of(boxes, context=context_of(config, tightness))


def large_boxes(
    config: ModelConfig, boxes: Boxes, *, tightness: float = 0.0
) -> npt.NDArray[np.bool_]:
    """Tell which boxes (N,4) get large views: those whose window has enough pixels.

    A network shows finer outlines in a larger view than it learnt from, if there is more to see.
    """
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    if not config.view_per_box or config.large_view_size is None:
        return np.zeros(len(boxes), dtype=np.bool_)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    context = context_of(config, tightness)
    large: npt.NDArray[np.bool_] = context**2 * area >= config.large_view_size**2
    return large


def coarsest(config: ModelConfig, boxes: Boxes, *, tightness: float = 0.0) -> int:
    """Return by which power of two an image may be reduced before the boxes (N,4) are cut.

    Every pixel of a view is then still the mean of at least two by two of what is left: a decoder
    that reduces rounds in a way of its own, which that evens out.
    """
    if not config.view_per_box:
        return 1
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    windows = windows_of(boxes, context=context_of(config, tightness))
    large = large_boxes(config, boxes, tightness=tightness)
    sides = (config.view_size, config.large_view_size or config.view_size)
    found = [
        reduction_for(windows[which], side=side)
        for which, side in zip((~large, large), sides, strict=True)
        if which.any()
    ]
    return max(min(found, default=1) // 2, 1)


def cut(
    config: ModelConfig,
    image: Pixels | ImagePyramid,
    boxes: Boxes,
    *,
    angles: Floats | None = None,
    tightness: float = 0.0,
    neighbours: Sequence[Neighbours] | None = None,
    large: bool = False,
) -> Cuts:
    """Cut what the family of `config` wants to see of the boxes (N,4) from an image (H,W,3) RGB.

    Boxes have positive sides; where they leave the image, the network sees padding. No parameters
    are involved: workers may call this on any thread. `large` views are for `large_boxes`.
    `tightness` and `neighbours`, one for each box, are for networks that see hints (hints.py).
    With `angles` (N,), boxes are in frames of their own (boxmask/turned.py), and so is what is seen
    of them: by the family zoom alone.
    """
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    hints = None
    if config.view_per_box:
        side = (config.large_view_size if large else None) or config.view_size
        windows = windows_of(boxes, context=context_of(config, tightness))
        pixels, fractions = cut_boxes(image, boxes, windows, side=side, angles=angles)
        index = np.arange(len(boxes))
        if config.window_masks:
            cells = side // MAP_STRIDE
            hints = _draw_hints(boxes, windows, cells, tightness=tightness, neighbours=neighbours)
    else:
        pixels, fractions = _resize_whole_image(
            ImagePyramid.of(image).image,
            boxes,
            side=config.image_size,
            square=config.pad_square,
            padding=_PADDING.get(config.family, _BLACK),
        )
        index = np.zeros(len(boxes), dtype=np.int64)
    return Cuts(pixels, fractions.astype(np.float32), index.astype(np.int64), hints)


def _draw_hints(
    boxes: Floats,
    windows: Floats,
    cells: int,
    *,
    tightness: float,
    neighbours: Sequence[Neighbours] | None,
) -> Planes:
    """Draw the hints (N,P,S,S) of boxes (N,4) in their windows (N,4), on S cells a side."""
    planes = [
        hint_planes(
            box,
            window,
            side=cells,
            tightness=tightness,
            neighbours=None if neighbours is None else neighbours[number],
        )
        for number, (box, window) in enumerate(zip(boxes, windows, strict=True))
    ]
    return np.array(planes, np.float32).reshape(-1, len(PLANES), cells, cells)


def _resize_whole_image(
    image: Pixels, boxes: Boxes, *, side: int, square: bool, padding: tuple[int, int, int]
) -> tuple[Pixels, Floats]:
    """Resize the long side to `side` and pad with a colour to the right and below.

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
        side if square else -(-length // _PAD_MULTIPLE) * _PAD_MULTIPLE
        for length in (small_w, small_h)
    )
    view = np.empty((1, padded_h, padded_w, 3), dtype=np.uint8)
    view[:] = padding
    view[0, :small_h, :small_w] = small
    across, down = small_w / width / padded_w, small_h / height / padded_h
    return view, boxes * np.array([across, down, across, down])
