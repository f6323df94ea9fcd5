"""A YOLO segmentation dataset: data.yaml, images, and a class and one polygon a line of text.

    data.yaml
    images/a.jpg           a link to the image, or a copy of it
    labels/a.txt
    images/train/a.jpg     where some images are set aside for validation

The folder of images is a real one, and data.yaml names no path: Ultralytics looks for labels where
a linked folder really lies, and takes a path to begin in the current folder. The polygons are those
of boxmask.export.bridge, since readers of the format draw them as cv2.fillPoly does.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from boxmask.dataset import BoxDataset
from boxmask.export import Exported, Finished
from boxmask.export.bridge import OneRing, one_ring
from boxmask.export.files import own_names, remove_stale, write_whole
from boxmask.export.masks import ImageMasks, masks_by_image
from boxmask.export.yolo_folders import (
    IMAGES,
    TRAIN,
    VAL,
    files_of,
    image_names,
    parts_of,
    put_image,
    refuse_linked_folders,
)

_YAML = "data.yaml"
_FEWEST = 3  # points of a polygon


class _Label(NamedTuple):
    """One mask as the format has it."""

    category: int
    ring: OneRing
    area: int  # pixels of the mask

    @property
    def iou(self) -> float:
        """The IoU of what is drawn from it with the mask."""
        return (self.area - self.ring.dropped) / (self.area + self.ring.bridged)

    def line(self, width: int, height: int) -> str:
        """Write it, in fractions of the image."""
        points = (self.ring.points / (width, height)).tolist()
        points += points[-1:] * (_FEWEST - len(points))
        sides = (f"{side:.6f}" for point in points for side in point)
        return f"{self.category} {' '.join(sides)}\n"


def names(finished: Finished) -> list[str]:
    """Return data.yaml, and the image and the text of each image in whatever part of the split."""
    images = [name for name in image_names(own_names(finished)) if name is not None]
    return [
        _YAML,
        *(f for name in images for part in ("", TRAIN, VAL) for f in files_of(name, part)),
    ]


def write(finished: Finished, place: Path) -> Exported:
    """Write the dataset; return how many images it has.

    Classes count from 0 in the order of the dataset's categories. An image without any mask is left
    out, since it would stand for one without objects.
    """
    dataset, options = finished.dataset, finished.options
    folder, sources = finished.images, own_names(finished)
    assert isinstance(folder, Path)  # a URL was refused
    images = image_names(sources)
    parts = parts_of(dataset, options.yolo_val, options.yolo_seed)
    refuse_linked_folders(place)
    ledger, names_text = finished.ledger, _data_yaml(dataset, parted=bool(options.yolo_val))
    write_whole(ledger, place / _YAML, names_text.encode())
    written, notes, ious = {_YAML}, Counter[str](), list[float]()
    for masks in masks_by_image(dataset, finished.out):
        name, labels = images[masks.image], list(_labels(dataset, masks))
        source = folder / sources[masks.image]
        if name is None or not labels or not source.is_file():
            reason = "not annotated" if masks.left and not labels else "without a mask or a file"
            notes[f"images left out, {reason}"] += 1
            continue
        image, text = files_of(name, parts[masks.image])
        put_image(ledger, source, place / image, copy=options.yolo_copy)
        lines = (label.line(masks.width, masks.height) for label in labels)
        write_whole(ledger, place / text, "".join(lines).encode())
        written |= {image, text}
        ious += [label.iou for label in labels]
        notes["boxes not annotated, background"] += masks.left
        notes["boxes without a mask in the other images"] += masks.boxes - masks.left - len(labels)
        notes["masks whose parts are joined by a bridge"] += sum(x.ring.bridged > 0 for x in labels)
        notes["masks that have lost a speck"] += sum(x.ring.dropped > 0 for x in labels)
    remove_stale(ledger, place, names(finished), written)
    kept = {"mean IoU of what is drawn": round(sum(ious) / len(ious), 5)} if ious else {}
    return Exported(len(written) // 2, {**notes, **kept})


def _labels(dataset: BoxDataset, masks: ImageMasks) -> Iterator[_Label]:
    for row, _, window in masks.instances:
        category = int(dataset.category_index[row])
        if category >= 0:
            yield _Label(category, one_ring(window), int(window.bits.sum()))


def _data_yaml(dataset: BoxDataset, *, parted: bool) -> str:
    """Name the classes; a text of JSON is one of YAML as well."""
    train, val = (f"{IMAGES}/{TRAIN}", f"{IMAGES}/{VAL}") if parted else (IMAGES, IMAGES)
    lines = [f"train: {train}", f"val: {val}", "names:"]
    for number, category in enumerate(dataset.categories):
        lines.append(f"  {number}: {json.dumps(category.name, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"
