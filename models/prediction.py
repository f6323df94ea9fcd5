"""What every network is asked, and its answer until masks are pasted from it. Needs no PyTorch.

Shapes: N boxes, M mask side.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from boxmask.errors import RunError
from boxmask.models.config import ModelConfig
from boxmask.models.cuts import Cuts

Floats = npt.NDArray[np.float32]


class MaskPrediction(NamedTuple):
    """Both float32: arrays, or tensors that may still be under way on their device."""

    probabilities: Any
    """(N,M,M), a half at the best threshold."""
    quality: Any
    """Expected IoU (N,)."""


class Network(Protocol):
    """A network, ready to predict."""

    @property
    def config(self) -> ModelConfig:
        """What it is made of."""

    @property
    def card(self) -> Mapping[str, Any]:
        """What its weights file says of it."""

    def predict(self, cuts: Cuts, *, chunk: int, flip: bool = False) -> MaskPrediction:
        """Predict the masks of all boxes of the cuts, at most `chunk` boxes at once."""


def to_numpy(predicted: MaskPrediction) -> tuple[Floats, Floats]:
    """Wait for predictions: probabilities (N, M, M) and expected IoU (N,)."""
    probabilities, quality = _array(predicted.probabilities), _array(predicted.quality)
    if not (np.isfinite(probabilities).all() and np.isfinite(quality).all()):
        raise RunError(
            "the network's numbers are not finite. If --precision was not fp32, try that; "
            "else the weights are damaged."
        )
    return probabilities, quality


def _array(values: Any) -> Floats:
    found: Floats = values if isinstance(values, np.ndarray) else values.cpu().numpy()
    return found
