"""GrabCut inside each box: the classic that looks at the image and learns nothing beforehand.

Boxes are (x0, y0, x1, y1), pixels, COCO convention. Images are (H, W, 3), RGB.
"""

import numpy as np
import numpy.typing as npt

from boxmask.errors import ConfigError
from boxmask.evaluate.shapes import Box, filled_box, pixel_span
from boxmask.window import Window

_ITERATIONS = 5  # OpenCV's own and everyone's
# OpenCV takes all the image for background samples; twice the box is enough, and keeps the cost
# to the size of the box.
_CONTEXT = 0.5


def require_opencv() -> None:
    """Raise a ConfigError that says what to install if OpenCV is not there."""
    try:
        import cv2  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "the baseline grabcut needs OpenCV: pip install 'boxmask[grabcut]'."
        ) from error


def grabcut(image: npt.NDArray[np.uint8], box: Box) -> Window:
    """Separate what is in the box from what is around it; the filled box where that fails."""
    import cv2

    height, width = image.shape[:2]
    full = filled_box(box, width, height)
    reach_x, reach_y = _CONTEXT * (box[2] - box[0]), _CONTEXT * (box[3] - box[1])
    x0, x1 = pixel_span(box[0] - reach_x, box[2] + reach_x, width)
    y0, y1 = pixel_span(box[1] - reach_y, box[3] + reach_y, height)
    labels = np.full((y1 - y0, x1 - x0), cv2.GC_BGD, dtype=np.uint8)
    w, h = full.bits.shape
    inside = np.s_[full.y - y0 : full.y - y0 + h, full.x - x0 : full.x - x0 + w]
    labels[inside] = cv2.GC_PR_FGD
    if not (labels == cv2.GC_BGD).any():
        return full
    view = np.ascontiguousarray(image[y0:y1, x0:x1, ::-1])
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(view, labels, (0, 0, 0, 0), *models, _ITERATIONS, cv2.GC_INIT_WITH_MASK)
    bits = (labels[inside] == cv2.GC_PR_FGD).T
    return Window(full.x, full.y, np.ascontiguousarray(bits)) if bits.any() else full
