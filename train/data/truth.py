"""What a detector is to find: the boxes of an image, beside those whose masks are asked for.

Shapes: N boxes that are asked for, K boxes to find. All are (x0, y0, x1, y1) in pixels of the
image.
"""

from dataclasses import replace

import numpy as np
import torch

from boxmask.dataset import IntArray
from boxmask.models.config import ModelConfig
from boxmask.models.cuts import Boxes, Pixels
from boxmask.models.detectors import Truth
from boxmask.models.views import Views, cut_views


def views_with_truth(
    model: ModelConfig, image: Pixels, asked: Boxes, *, found: Boxes, labels: IntArray
) -> tuple[Views, Truth]:
    """Cut the view of an image for some boxes (N,4), and say where all boxes (K,4) lie in it."""
    height, width = image.shape[:2]
    whole = np.array([[0, 0, width, height]], dtype=np.float64)
    views = cut_views(model, image, np.concatenate([asked, found, whole]))
    boxes, index, count = views.boxes, views.index, len(asked)
    truth = Truth(boxes[count:-1], torch.from_numpy(labels), index[count:-1], boxes[-1:, 2:])
    return replace(views, boxes=boxes[:count], index=index[:count]), truth
