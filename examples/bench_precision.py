"""What bf16 gains on a CPU, and how far its masks and expected IoU are from those of fp32.

    python examples/bench_precision.py BOXES.json --images DIR [--limit N]

OpenVINO computes the bundled network in both, in one thread, on the first N photographs, in turn.
Where the file has masks, it also prints how well both meet them. Needs a CPU with units for bf16.
A quarter of a minute of a core for twenty photographs.
"""

import argparse
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from boxmask.bundled import BUNDLED
from boxmask.data import pixel_boxes, read
from boxmask.data.segmentation import segmentation
from boxmask.models.compiled import CompiledNetwork
from boxmask.models.openvino_library import computes_bf16
from boxmask.predict import Predictor
from boxmask.predicted import PredictedMasks
from boxmask.rle import decode_window

Bits = npt.NDArray[np.bool_]
PRECISIONS = ("fp32", "bf16")


class Photo(NamedTuple):
    """A photograph with its sound boxes (N, 4), and the masks that the file has of them."""

    path: Path
    boxes: Any
    labels: list[int]
    true: list[Bits | None]


def asked(boxes: Path, images: Path, limit: int) -> list[Photo]:
    """Return the photographs of a file."""
    dataset = read(boxes)
    order, starts = dataset.rows_by_image()
    found = []
    for image, name in enumerate(dataset.file_names[:limit]):
        rows = order[starts[image] : starts[image + 1]]
        rows = rows[(dataset.faults[rows] == 0) & ~dataset.is_crowd[rows]]
        if len(rows):
            size = int(dataset.widths[image]), int(dataset.heights[image])
            true = [drawn(segmentation(dataset, row, size), size) for row in rows.tolist()]
            labels = dataset.category_index[rows].tolist()
            sides = pixel_boxes(dataset, rows, *size)
            found.append(Photo(images / name, sides, labels, true))
    return found


def drawn(given: Any, size: tuple[int, int]) -> Bits | None:
    """Draw the mask (H, W) that a COCO segmentation says, None if there is none."""
    if not given:
        return None
    width, height = size
    whole = (0.0, 0.0, float(width), float(height))
    return decode_window(given, width=width, height=height, box=whole).bits.T


def networks() -> dict[str, Predictor]:
    """Load the bundled network in both precisions, each for one thread."""
    return {
        precision: Predictor(CompiledNetwork.load(BUNDLED, threads=1, precision=precision), BUNDLED)
        for precision in PRECISIONS
    }


def answers(
    ask: dict[str, Predictor], photos: list[Photo]
) -> tuple[dict[str, list[PredictedMasks]], dict[str, float]]:
    """Return what each precision makes of all photographs, and its seconds of a core."""
    found: dict[str, list[PredictedMasks]] = {precision: [] for precision in PRECISIONS}
    spent = dict.fromkeys(PRECISIONS, 0.0)
    for photo in photos:
        for precision in PRECISIONS:
            started = time.process_time()
            masks = ask[precision](photo.path, photo.boxes, labels=photo.labels)
            spent[precision] += time.process_time() - started
            found[precision].append(masks)
    return found, spent


def iou(one: Bits, other: Bits) -> float:
    """Return the intersection of two masks over their union."""
    return float((one & other).sum() / max((one | other).sum(), 1))


def against_true(masks: Iterable[Bits], photo: Photo) -> list[float]:
    """Return the IoU of the masks of a photograph with those that the file has."""
    pairs = zip(masks, photo.true, strict=True)
    return [iou(mask, one) for mask, one in pairs if one is not None]


def print_true(true: dict[str, list[float]]) -> None:
    """Print how well masks made in each way meet those of the file."""
    for how, values in true.items():
        if values:
            print(f"IoU with the file's masks, {how}: mean {np.mean(values):.4f}")


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("boxes", type=Path)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=20)
    options = parser.parse_args()
    if not computes_bf16():
        parser.error("this CPU has no units for bf16")
    photos = asked(options.boxes, options.images, options.limit)
    ask = networks()
    answers(ask, photos[:2])  # warms up
    found, spent = answers(ask, photos)
    shared: list[float] = []
    off: list[float] = []
    true: dict[str, list[float]] = {precision: [] for precision in PRECISIONS}
    for photo, *both in zip(photos, *found.values(), strict=True):
        exact, mixed = (one.masks for one in both)
        shared += [iou(*pair) for pair in zip(exact, mixed, strict=True)]
        off += (both[1].expected_iou - both[0].expected_iou).tolist()
        for precision, masks in zip(PRECISIONS, (exact, mixed), strict=True):
            true[precision] += against_true(masks, photo)
    ratio = spent["bf16"] / spent["fp32"]
    print(f"{len(shared)} boxes: bf16 takes {ratio:.2f} of the time of fp32, all included")
    print(f"IoU of the masks: mean {np.mean(shared):.4f}, lowest {min(shared):.4f}")
    print(f"expected IoU: off by {np.abs(off).mean():.4f}, on average {np.mean(off):+.4f}")
    print_true(true)


if __name__ == "__main__":
    main()
