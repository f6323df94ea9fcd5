"""What the network should answer for a box, and how well it did: targets and true IoU.

Shapes: N boxes, M mask side, K rows and columns of pixels at which the true IoU is measured at
most. A mask is pasted by sampling its probabilities at every pixel of the box; so here, at the same
pixels, all boxes in one product. In a box of more than K rows or columns, K of them stand for all,
evenly spread.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from boxmask import geometry
from boxmask.models.threshold import shift_to_best_threshold
from boxmask.train.data.batch import IoUSamples
from boxmask.train.data.scene import Box, Instance, Scene
from boxmask.window import Window

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Span:
    """What a window mask spans, and the box that it is cut to when pasted."""

    frame: Box
    clip: Box


def mask_target(scene: Scene, instance: Instance, *, side: int, span: Span | None = None) -> Floats:
    """Return the soft target (M, M) of an instance; zeros where its mask is not to be supervised.

    It spans the instance's box, or the frame of a window mask.
    """
    if instance.mask is None:
        return np.zeros((side, side), dtype=np.float32)
    mask = instance.mask
    if span is not None:
        return geometry.sample_frame(mask.bits.T, (mask.x, mask.y), frame=span.frame, size=side)
    return geometry.sample_target(
        mask.bits.T,
        (mask.x, mask.y),
        box=instance.box,
        width=scene.image.shape[1],
        height=scene.image.shape[0],
        size=side,
    )


def iou_samples(
    scene: Scene, instance: Instance, *, side: int, max_pixels: int, span: Span | None = None
) -> IoUSamples:
    """Return the true mask at the pixels that pasting a predicted one would decide."""
    rows, columns = np.full(max_pixels, np.nan), np.full(max_pixels, np.nan)
    bits = np.zeros((max_pixels, max_pixels), dtype=np.bool_)
    missed = 0.0
    if instance.mask is not None:
        y, down = _pixels(scene, instance, 1, side, span)
        x, across = _pixels(scene, instance, 0, side, span)
        chosen_rows, chosen_columns = (
            _spread(len(down), max_pixels),
            _spread(len(across), max_pixels),
        )
        rows[: len(chosen_rows)] = down[chosen_rows]
        columns[: len(chosen_columns)] = across[chosen_columns]
        pasted = Window(x, y, np.zeros((len(across), len(down)), dtype=np.bool_))
        inside = pasted.overlap(instance.mask).T
        seen = inside[np.ix_(chosen_rows, chosen_columns)]
        bits[: len(chosen_rows), : len(chosen_columns)] = seen
        share = seen.size / max(1, inside.size)
        missed = share * float(instance.mask.bits.sum() - inside.sum())
    return IoUSamples(
        torch.from_numpy(rows.astype(np.float32))[None],
        torch.from_numpy(columns.astype(np.float32))[None],
        torch.from_numpy(bits)[None],
        torch.tensor([missed]),
    )


def _interpolation(places: Tensor, side: int) -> Tensor:
    """Return the bilinear weights (N,K,M) of cells 0..M-1 at places (N,K); NaN weighs nothing."""
    cells = torch.arange(side, dtype=places.dtype, device=places.device)
    return (1 - (places[..., None] - cells).abs()).clamp(min=0).nan_to_num(0)


@torch.no_grad()
def true_iou(logits: Tensor, truth: IoUSamples) -> Tensor:
    """Return the IoU (N,) of pasted predictions with the true masks."""
    probability = shift_to_best_threshold(logits).sigmoid()
    side = logits.shape[-1]
    rows, columns = _interpolation(truth.rows, side), _interpolation(truth.columns, side)
    pasted = rows @ probability @ columns.transpose(1, 2) > 0.5  # (N, K, K)
    both = (pasted & truth.bits).sum(dim=(1, 2))
    either = (pasted | truth.bits).sum(dim=(1, 2)) + truth.missed
    return both / either.clamp(min=1)


def _pixels(
    scene: Scene, instance: Instance, axis: int, side: int, span: Span | None
) -> tuple[int, Places]:
    """Find the pixels that pasting decides along x (0) or y (1), and where they lie in the mask."""
    extent = scene.image.shape[1 - axis]
    box = instance.box if span is None else span.clip
    low, high = max(float(box[axis]), 0.0), min(float(box[axis + 2]), extent)
    if span is None:
        return geometry.pixel_positions(low, high, extent=extent, side=side)
    start, stop = float(span.frame[axis]), float(span.frame[axis + 2])
    return geometry.frame_pixels(start, stop, low, high, extent=extent, side=side)


def _spread(count: int, max_pixels: int) -> npt.NDArray[np.intp]:
    """Choose `max_pixels` of `count` places evenly, all of them if there are no more."""
    return np.round(np.linspace(0, count - 1, min(count, max_pixels))).astype(np.intp)
