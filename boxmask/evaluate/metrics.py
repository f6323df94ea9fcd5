"""The metrics of a mask: each is one function of a true mask and its prediction, named in METRICS.

A metric of your own is a function at the top of a module, where other processes can import it, and
an entry in the table; then the report, its JSON, the terminal and the page have it:

    METRICS["hausdorff"] = Metric(hausdorff, "Haus-\\ndorff", missing=math.nan, percent=False)

Shapes: w h a window that holds both masks; what lies outside it is background.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from boxmask.evaluate.boundary import BoolArray, band_width, boundary

Size = tuple[int, int]  # width, height


@dataclass(frozen=True, eq=False)
class MaskPair:
    """A true mask and its prediction."""

    true: BoolArray  # (w, h)
    predicted: BoolArray  # (w, h)
    image_size: Size


@dataclass(frozen=True)
class Metric:
    """How one figure is measured for each instance, and how its mean is shown."""

    measure: Callable[[MaskPair], float]  # NaN leaves the instance out of the means
    heading: str  # above its column; the terminal breaks it where it has a line break
    missing: float = 0.0  # of an instance without a prediction
    percent: bool = True  # shown in percent, else as it is

    @property
    def title(self) -> str:
        """Return the heading in one line."""
        return self.heading.replace("-\n", "").replace("\n", " ")


def iou(pair: MaskPair) -> float:
    """Measure the IoU, pixel by pixel."""
    return _iou(pair.true, pair.predicted)


def boundary_iou(pair: MaskPair) -> float:
    """Measure the IoU of what lies in a band along both outlines (Cheng et al., 2021)."""
    band = band_width(*pair.image_size)
    return _iou(boundary(pair.true, band), boundary(pair.predicted, band))


# The names are keys of the report's JSON. Sizes, gap, calibration and plots are those of "iou".
METRICS: dict[str, Metric] = {
    "iou": Metric(iou, "IoU"),
    "boundary_iou": Metric(boundary_iou, "bound-\nary"),
}


def _iou(first: BoolArray, second: BoolArray) -> float:
    """Return the IoU of two masks of one shape; 0 if both are empty, as pycocotools has it."""
    union = np.count_nonzero(first | second)
    return float(np.count_nonzero(first & second) / union) if union else 0.0
