"""Every reason for which an annotation gets no mask: the policy for bad boxes is this table.

A further policy is one entry of FAULTS. Letters: N boxes that are judged together; they are
(x0, y0, x1, y1) in the COCO convention: [0, 0, 1, 1] covers exactly the first pixel.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from boxmask.errors import InputError
from boxmask.turned import LEAST_FILLED, are_flat, areas_of, part_inside, shares_filled

Flags = npt.NDArray[np.bool_]
FaultCodes = npt.NDArray[np.uint8]
Corners = npt.NDArray[np.float64]

_MOST_SKEW = 0.4  # of their bounds: how far opposite sides may differ


@dataclass(frozen=True, eq=False)
class Candidates:
    """N boxes to be judged, and what is known of their images.

    They are judged when they are read, and once more when their image is open: only then the size
    is known of an image whose dataset does not state it.
    """

    boxes: npt.NDArray[np.float64]  # (N, 4) NaN in a row whose box cannot be read
    in_pixels: Flags  # (N,) False: in fractions of an image whose size is not known yet
    sizes: npt.NDArray[np.int64]  # (N, 2) width and height of the image in that unit, 0 if unknown
    has_image: Flags  # (N,)
    corners: Corners | None = None  # (N, 4, 2) of turned boxes, of which `boxes` are the bounds;
    # NaN in a row whose box is upright, None if all are

    @classmethod
    def of_image(
        cls,
        boxes: npt.NDArray[np.float64],
        corners: Corners | None = None,
        *,
        width: int,
        height: int,
    ) -> "Candidates":
        """Make candidates of boxes (N, 4) in pixels of one image."""
        true = np.ones(len(boxes), np.bool_)
        sizes = np.tile([[width, height]], (len(boxes), 1))
        return cls(boxes, true, sizes, true, corners)

    @property
    def turned(self) -> tuple[npt.NDArray[np.intp], Corners]:
        """Which boxes are turned (n,), and their corners (n, 4, 2)."""
        if self.corners is None:
            return np.zeros(0, np.intp), np.zeros((0, 4, 2))
        rows = np.flatnonzero(np.isfinite(self.corners).all(axis=(1, 2)))
        return rows, self.corners[rows]


@dataclass(frozen=True)
class Fault:
    """What the table says about one reason."""

    quotes: str = ""
    """The key of the annotation whose value the log quotes."""
    rule: Callable[[Candidates], Flags] | None = None
    """Which of N boxes it concerns (N,); None for a fault that only a reader can find."""
    chosen: bool = False
    """Whether the user has left such boxes out, so that nothing is wrong with them."""


def _not_finite(candidates: Candidates) -> Flags:
    x0, y0, x1, y1 = candidates.boxes.T
    finite: Flags = np.isfinite(x0) & np.isfinite(y0) & np.isfinite(x1) & np.isfinite(y1)
    return ~finite


def _empty(candidates: Candidates) -> Flags:
    x0, y0, x1, y1 = candidates.boxes.T
    empty: Flags = (x1 <= x0) | (y1 <= y0)
    rows, corners = candidates.turned
    empty[rows] |= are_flat(corners)
    return empty


def _no_rectangle(candidates: Candidates) -> Flags:
    """Fractions of an image make a parallelogram of a rectangle, so that is asked of them."""
    none: Flags = np.zeros(len(candidates.boxes), np.bool_)
    rows, corners = candidates.turned
    filled = shares_filled(corners) >= LEAST_FILLED
    sides = candidates.boxes[rows, 2:] - candidates.boxes[rows, :2]
    skew = np.abs(corners[:, 0] - corners[:, 1] + corners[:, 2] - corners[:, 3])
    paired = (skew <= _MOST_SKEW * sides).all(axis=1)
    none[rows] = ~np.where(candidates.in_pixels[rows], filled, paired)
    return none


def _outside(candidates: Candidates) -> Flags:
    x0, y0, x1, y1 = candidates.boxes.T
    width, height = candidates.sizes.T
    known = (width > 0) & (height > 0)
    outside: Flags = known & ((x0 >= width) | (y0 >= height) | (x1 <= 0) | (y1 <= 0))
    over = known & ((x0 < 0) | (y0 < 0) | (x1 > width) | (y1 > height)) & ~outside
    for row, corners in zip(*candidates.turned, strict=True):
        if over[row]:
            image = np.array([0, 0, width[row], height[row]], np.float64)
            part = part_inside(corners, image)
            outside[row] = not len(part) or areas_of(part[None])[0] <= 0
    return outside


# By the reason that the output and the log give. The first that concerns a box is the one given.
FAULTS: dict[str, Fault] = {
    "no image record": Fault("image_id", lambda candidates: ~candidates.has_image),
    "box is missing": Fault("bbox"),
    "box does not have four numbers": Fault("bbox"),
    "box is not finite": Fault("bbox", _not_finite),
    "box has no width or height": Fault("bbox", _empty),
    "turned box is no rectangle": Fault("bbox", _no_rectangle),
    "box is outside the image": Fault("bbox", _outside),
    "box is not in fractions of the image": Fault("bbox"),
    "not exactly one synset": Fault(chosen=True),
    "category not among the selected classes": Fault(chosen=True),
    "below the confidence threshold": Fault(chosen=True),
    "file cannot be read": Fault("source"),
    "line cannot be read": Fault("source"),
    "shape is not a box": Fault("source"),
    "turned box in an image of unknown size": Fault("source"),
    "turned box whose angle is not in radians": Fault("source"),
    "class that the network does not know": Fault("category_id"),
    "annotation was cancelled": Fault("source", chosen=True),
    "prediction beside an annotation": Fault("source", chosen=True),
    "mask cannot be read": Fault("source"),
}


def find_faults(candidates: Candidates) -> FaultCodes:
    """Return what the rules find in each box (N,), as `code_of` spells it; 0 in a sound one."""
    codes = np.zeros(len(candidates.boxes), np.uint8)
    for reason, fault in FAULTS.items():
        if fault.rule is not None:
            codes[fault.rule(candidates) & (codes == 0)] = code_of(reason)
    return codes


def code_of(reason: str) -> int:
    """Return the number that stands for a reason in BoxDataset.faults."""
    return 1 + list(FAULTS).index(reason)


def reason_of(code: int) -> str:
    """Return the reason that a number in BoxDataset.faults stands for, "" for 0."""
    return ("", *FAULTS)[code]


# Why an image, and with it each of its boxes, cannot be used.
IMAGE_FAULTS = (
    "file name leaves the image folder",
    "image missing",
    "image cannot be read",
    "image could not be fetched",
    "image empty",
    "not an image",
    "image has too many pixels",
    "image truncated or damaged",
    "size mismatch",
)


class ImageFault(InputError):
    """An image that cannot be used: `reason` is one of IMAGE_FAULTS, the text has the details."""

    def __init__(self, reason: str, path: object, detail: str) -> None:
        super().__init__(f"{path}: {reason}: {detail}")
        self.reason = reason
        self.detail = detail
