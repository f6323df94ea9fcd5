"""What bf16 gains on a CPU, and how far its masks and expected IoU are from those of fp32.

    python examples/bench_precision.py BOXES.json --images DIR [--limit N]

OpenVINO computes the bundled network in both, in one thread, on the first N photographs. On a CPU
without units for bf16 it is slower. A minute for twenty photographs.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from boxmask.bundled import BUNDLED
from boxmask.data import pixel_boxes, read
from boxmask.models.compiled import CompiledNetwork
from boxmask.predict import Predictor
from boxmask.predicted import PredictedMasks


class Bf16Network(CompiledNetwork):
    """The same network in bf16."""

    def _options(self) -> dict[str, Any]:
        return super()._options() | {"INFERENCE_PRECISION_HINT": "bf16"}


def asked(boxes: Path, images: Path, limit: int) -> list[tuple[Path, Any]]:
    """Return the photographs of a file with their sound boxes (N, 4)."""
    dataset = read(boxes)
    order, starts = dataset.rows_by_image()
    found = []
    for image, name in enumerate(dataset.file_names[:limit]):
        rows = order[starts[image] : starts[image + 1]]
        rows = rows[(dataset.faults[rows] == 0) & ~dataset.is_crowd[rows]]
        if len(rows):
            sizes = int(dataset.widths[image]), int(dataset.heights[image])
            found.append((images / name, pixel_boxes(dataset, rows, *sizes)))
    return found


def answers(
    kind: type[CompiledNetwork], photos: list[tuple[Path, Any]]
) -> tuple[list[PredictedMasks], float]:
    """Return what a network makes of all photographs, and the seconds of a core that it took."""
    predict = Predictor(kind.load(BUNDLED, threads=1), BUNDLED)
    for photo, boxes in photos[:5]:  # warms up
        predict(photo, boxes)
    started = time.process_time()
    found = [predict(photo, boxes) for photo, boxes in photos]
    return found, time.process_time() - started


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("boxes", type=Path)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=20)
    options = parser.parse_args()
    photos = asked(options.boxes, options.images, options.limit)
    (ones, exact), (others, rough) = (answers(k, photos) for k in (CompiledNetwork, Bf16Network))
    shared, off = [], []
    for one, other in zip(ones, others, strict=True):
        both, either = one.masks & other.masks, one.masks | other.masks
        shared += (both.sum(axis=(1, 2)) / either.sum(axis=(1, 2))).tolist()
        off += (other.expected_iou - one.expected_iou).tolist()
    print(f"{len(shared)} boxes: bf16 takes {rough / exact:.2f} of the time of fp32, all included")
    print(f"IoU of the masks: mean {np.mean(shared):.4f}, lowest {min(shared):.4f}")
    print(f"expected IoU: off by {np.abs(off).mean():.3f}, on average {np.mean(off):+.3f}")


if __name__ == "__main__":
    main()
