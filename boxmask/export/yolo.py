"""YOLO segmentation text: a class number and one normalised polygon a line.

The format has no parts and no holes: a mask of several rings is written as one, joined by bridges
of no width (boxmask.export.bridge). Programs that draw the outline as well as fill it, as cv2's
fillPoly does, colour the pixels under a bridge.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from boxmask.dataset import BoxDataset
from boxmask.export.bridge import bridge
from boxmask.export.files import names_for, remove_stale, write_whole
from boxmask.export.masks import ImageMasks, masks_by_image
from boxmask.polygons import trace
from boxmask.window import Window


def write_yolo(dataset: BoxDataset, out: Path, folder: Path) -> int:
    """Write folder/data.yaml and a text under folder/labels for each image with masks.

    `out` is the finished output; returns how many texts were written. Classes count from 0 in the
    order of the dataset's categories. An image without any mask has no text, which readers of the
    format take for one without objects; a text of that name from an earlier run is removed.
    """
    names = yolo_names(dataset)
    write_whole(folder / "data.yaml", _data_yaml(dataset).encode(errors="replace"))
    written = set()
    for masks in masks_by_image(dataset, out):
        name, lines = names[masks.image], list(_lines(dataset, masks))
        if name is not None and lines:
            write_whole(folder / "labels" / name, "".join(lines).encode())
            written.add(name)
    remove_stale(folder / "labels", names, written)
    return len(written)


def yolo_names(dataset: BoxDataset) -> list[str | None]:
    """Return the name of each image's text; InputError where two would be the same."""
    return names_for(dataset.file_names, ".txt")


def polygon(window: Window, width: int, height: int) -> list[float]:
    """Outline a mask as one ring x, y, x, y, ... in fractions of the image."""
    rings = [np.array(ring, np.float64).reshape(-1, 2) for ring in trace(window)]
    points = bridge(rings) / (width, height)
    return [float(side) for side in points.ravel()]


def _lines(dataset: BoxDataset, masks: ImageMasks) -> Iterator[str]:
    for row, _, window in masks.instances:
        number = int(dataset.category_index[row])
        if number >= 0:
            points = polygon(window, masks.width, masks.height)
            yield " ".join([str(number), *(f"{side:.6f}" for side in points)]) + "\n"


def _data_yaml(dataset: BoxDataset) -> str:
    """Name the classes; a text of JSON is one of YAML as well."""
    lines = [
        "# Put the image folder, or a link to it, beside this file as images.",
        "path: .",
        "train: images",
        "val: images",
        "names:",
    ]
    for number, category in enumerate(dataset.categories):
        lines.append(f"  {number}: {json.dumps(category.name, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"
