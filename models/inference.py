"""From views to masks, to paste where they exceed a half, and their expected IoU.

Shapes: N boxes, M mask side.
"""

from boxmask.models.network import MaskNetwork
from boxmask.models.prediction import MaskPrediction
from boxmask.models.threshold import shift_to_best_threshold
from boxmask.models.views import Views


def predict_masks(
    network: MaskNetwork, views: Views, *, box_chunk: int | None = None, flip: bool = False
) -> MaskPrediction:
    """Predict by a network in eval mode; with `flip` the mean of each view and its mirror image."""
    logits, quality, *_ = network(views, box_chunk=box_chunk)
    if flip:
        mirrored, mirrored_quality, *_ = network(views.mirrored(), box_chunk=box_chunk)
        logits, quality = (logits + mirrored.flip(-1)) / 2, (quality + mirrored_quality) / 2
    return MaskPrediction(shift_to_best_threshold(logits.float()).sigmoid(), quality.float())
