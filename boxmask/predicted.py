"""What the network found in the boxes of one picture, in whatever form it is needed next.

Letters: N boxes, H W the picture. Boxes are (x0, y0, x1, y1) in pixels, COCO convention.
"""

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from boxmask.annotate.encode import PastedMask
from boxmask.errors import ConfigError


@dataclass(frozen=True, eq=False)
class PredictedMasks:
    """The masks of N boxes in their order, kept as runs: a million pixels cost no memory unasked.

    >>> found = boxmask.load()("photo.jpg", [[134, 86, 203, 147], [295, 110, 342, 163]])
    >>> found.masks.shape, found.masks.dtype
    ((2, 300, 451), dtype('bool'))
    >>> [rle["size"] for rle in found.rle]
    [[300, 451], [300, 451]]
    >>> bool((found.boxes[0] >= [134, 86, 0, 0]).all())
    True
    """

    width: int
    height: int
    runs: tuple[PastedMask, ...]  # (N,)

    def __len__(self) -> int:
        return len(self.runs)

    @cached_property
    def masks(self) -> npt.NDArray[np.bool_]:
        """Bits (N, H, W), made when first asked for."""
        bits = np.zeros((len(self), self.height, self.width), np.bool_)
        for mask, own in zip(bits, self.runs, strict=True):
            window = own.window()
            w, h = window.bits.shape
            mask[window.y : window.y + h, window.x : window.x + w] = window.bits.T
        return bits

    @property
    def rle(self) -> list[dict[str, Any]]:
        """COCO's compressed runs, `{"size": [H, W], "counts": str}`, as pycocotools reads them."""
        return [mask.rle() for mask in self.runs]

    def polygons(self, tolerance: float | None = None) -> list[list[list[float]]]:
        """Outline each mask as `annotate --polygons` does: x, y, x, y, ...

        Along pixel edges, or with few vertices, off by `tolerance` pixels at most.
        """
        return [mask.outline(tolerance).polygons for mask in self.runs]

    @property
    def boxes(self) -> npt.NDArray[np.float64]:
        """Tight boxes of the masks (N, 4): x0, y0, x1, y1."""
        tight = np.array([mask.box for mask in self.runs], np.float64).reshape(-1, 4)
        tight[:, 2:] += tight[:, :2]
        return tight

    @property
    def expected_iou(self) -> npt.NDArray[np.float32]:
        """The IoU (N,) to expect of each mask with the true one."""
        return np.array([mask.quality for mask in self.runs], np.float32)

    def to_supervision(self) -> Any:
        """Return `supervision.Detections`: tight boxes, masks, expected IoU as confidence."""
        supervision = _optional("supervision", "supervision")
        return supervision.Detections(
            xyxy=self.boxes.astype(np.float32), mask=self.masks, confidence=self.expected_iou
        )

    def to_tv_tensors(self) -> dict[str, Any]:
        """Return torchvision's `tv_tensors`: `masks` (N, H, W) and `boxes` (N, 4), XYXY."""
        tensors = _optional("torchvision.tv_tensors", "torchvision")
        size = (self.height, self.width)
        boxes = tensors.BoundingBoxes(
            self.boxes.astype(np.float32), format="XYXY", canvas_size=size
        )
        return {"masks": tensors.Mask(self.masks), "boxes": boxes}


def _optional(module: str, package: str) -> Any:
    """Import what boxmask does without, or say how to have it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigError(f"this needs {module} ({error}): pip install {package}") from error
