"""From an image file to what the network is shown of it: the work of a decoding thread.

Letters: n boxes of one image, in pixels, COCO convention.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from boxmask.annotate.job import Job
from boxmask.annotate.parts import Outcome
from boxmask.data import pixel_boxes
from boxmask.dataset import BoxDataset, IntArray
from boxmask.images import ImageFault, load_image
from boxmask.models import ModelConfig, Views, cut_views, large_boxes

Boxes = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Opened:
    """Boxes of an image with views of one size, or those of its boxes that are skipped."""

    image: int
    size: tuple[int, int] | None  # (width, height), None if the image cannot be used
    rows: IntArray  # (n,) of the dataset
    boxes: Boxes  # (n, 4) clipped to the image
    clipped: npt.NDArray[np.bool_]  # (n,)
    views: Views | None  # None without boxes
    skipped: list[Outcome]


def open_image(
    dataset: BoxDataset, job: Job, config: ModelConfig, *, image: int, rows: IntArray
) -> list[Opened]:
    """Decode an image and cut the views of some of its boxes; depends on nothing else."""
    try:
        pixels = load_image(
            job.images,
            dataset.file_names[image],
            width=int(dataset.widths[image]),
            height=int(dataset.heights[image]),
            exif=job.exif,
            rotated_if_unsized=dataset.rotated_if_unsized,
            max_pixels=job.max_pixels,
        )
    except ImageFault as fault:
        detail = fault.detail.encode(errors="backslashreplace")
        skipped = [Outcome(row, fault.reason, detail) for row in rows.tolist()]
        return [_skipped(image, None, skipped)]
    height, width = pixels.shape[:2]
    exact = pixel_boxes(dataset, rows, width, height)
    boxes = exact.clip(0, np.array([width, height, width, height], np.float64))
    inside = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    outside = [
        Outcome(row, "box is outside the image", outside_detail(box, width, height))
        for row, box in zip(rows[~inside].tolist(), exact[~inside].tolist(), strict=True)
    ]
    clipped, large = (exact != boxes).any(axis=1), large_boxes(config, boxes)
    seen = [
        Opened(
            image,
            (width, height),
            rows[chosen],
            boxes[chosen],
            clipped[chosen],
            cut_views(config, pixels, boxes[chosen], large=size),
            [],
        )
        for size, chosen in ((False, inside & ~large), (True, inside & large))
        if chosen.any()
    ]
    return [_skipped(image, (width, height), outside), *seen]


def outside_detail(box: list[float], width: int, height: int) -> bytes:
    """Tell where a box (x0, y0, x1, y1) lies and how large its image is."""
    sides = ", ".join(f"{side:g}" for side in box)
    return f"it spans {sides}, the image is {width} x {height}".encode()


def _skipped(image: int, size: tuple[int, int] | None, outcomes: list[Outcome]) -> Opened:
    none = np.zeros((0, 4))
    rows = np.zeros(0, dtype=np.int64)
    return Opened(image, size, rows, none, none[:, 0].astype(np.bool_), None, outcomes)
