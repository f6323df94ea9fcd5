"""The network's whole answer: masks to paste where they exceed a half, and their expected IoU.

Shapes: N boxes, M mask side.
"""

from typing import NamedTuple

from torch import Tensor

from boxmask.models.cut import at_best_cut
from boxmask.models.network import MaskNetwork
from boxmask.models.views import Views


class Masks(NamedTuple):
    """Both float32."""

    probabilities: Tensor
    """(N,M,M), a half at the best cut."""
    quality: Tensor
    """Expected IoU (N,)."""


def ask(
    network: MaskNetwork, views: Views, *, box_chunk: int | None = None, flip: bool = False
) -> Masks:
    """Ask a network in eval mode; with `flip` twice, and the mean of view and mirror image."""
    logits, quality, *_ = network(views, box_chunk=box_chunk)
    if flip:
        mirrored, judged, *_ = network(views.mirrored(), box_chunk=box_chunk)
        logits, quality = (logits + mirrored.flip(-1)) / 2, (quality + judged) / 2
    return Masks(at_best_cut(logits.float()).sigmoid(), quality.float())
