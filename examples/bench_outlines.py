"""Measure what polygons of few vertices lose, and how many vertices they have.

    python examples/bench_outlines.py coco/instances_val.json

For the masks of a COCO file: vertices a mask, the IoU of what is drawn with the mask, milliseconds.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from boxmask.outlines import Outline, exact_outline, outline
from boxmask.rle import segmentation_runs, tight_window
from boxmask.window import Window


class Mask(NamedTuple):
    """A mask, and the size of its image."""

    window: Window
    width: int
    height: int


def masks_of(path: Path) -> Iterator[Mask]:
    """Read the masks of a COCO file, crowds aside."""
    data = json.loads(path.read_text())
    images = {image["id"]: image for image in data["images"]}
    for one in data["annotations"]:
        width, height = (images[one["image_id"]][side] for side in ("width", "height"))
        counts = segmentation_runs(one["segmentation"], width=width, height=height)
        window = tight_window(counts, width=width, height=height)
        if window is not None and not one["iscrowd"]:
            yield Mask(window, width, height)


def row(name: str, masks: list[Mask], make: Callable[[Mask], Outline]) -> str:
    """Outline all masks and write a row of the table."""
    start = time.perf_counter()
    made = [make(mask) for mask in masks]
    spent = 1000 * (time.perf_counter() - start) / len(made)
    ious, vertices = ([getattr(one, key) for one in made] for key in ("iou", "vertices"))
    pieces = np.mean([len(one.polygons) for one in made])
    figures = f"{np.mean(ious):.3f} | {min(ious):.3f} | {spent:.0f}"
    return f"| {name} | {pieces:.2f} | {np.mean(vertices):.0f} | {max(vertices)} | {figures} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("coco", type=Path)
    masks = list(masks_of(parser.parse_args().coco))
    print(f"{len(masks)} masks\n")
    print("| polygons | a mask | vertices | at most | mean IoU | lowest | ms a mask |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    print(row("`--polygons`", masks, lambda m: exact_outline(m[0], width=m[1], height=m[2])))
    for tolerance in (0.5, 1.0, 2.0):

        def make(mask: Mask, tolerance: float = tolerance) -> Outline:
            return outline(mask[0], width=mask[1], height=mask[2], tolerance=tolerance)

        print(row(f"`--tolerance {tolerance:g}`", masks, make))


if __name__ == "__main__":
    main()
