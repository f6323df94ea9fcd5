"""Inputs, and the outputs that a run may make of them, for the tests of check."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from boxmask.check import CheckReport, check
from boxmask.data import read

Json = dict[str, Any]
WIDTH, HEIGHT = 40, 30
BOX = [5, 4, 20, 10]
OK = {"status": "ok", "predicted_iou": 0.9}


def filled(x: int, y: int, width: int, height: int) -> Json:
    """Fill a rectangle of an otherwise empty mask."""
    bits = np.zeros((HEIGHT, WIDTH), np.uint8, order="F")
    bits[y : y + height, x : x + width] = 1
    return {"size": [HEIGHT, WIDTH], "counts": coco_mask.encode(bits)["counts"].decode()}


def before() -> Json:
    """An input with one annotation of each fate: ok, kept, crowd, skipped, ok."""
    own = {"image_id": 7, "category_id": 1, "bbox": BOX, "iscrowd": 0, "note": [1.50, "ü"]}
    polygon = [[6, 5, 12, 5, 12, 9]]
    return {
        "info": {"year": 2020.0},
        "images": [{"id": 7, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT}],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": [
            {"id": "one", **own, "area": 200.0},
            {"id": 0, **own, "segmentation": polygon, "area": 12.5},
            {"id": 3, **own, "segmentation": filled(0, 0, 9, 9), "iscrowd": 1, "area": 81},
            {"id": 4, **own, "segmentation": []},
            {"id": 5, **own, "bbox": [30.5, 20.5, 100, 100]},
        ],
    }


def after() -> Json:
    """What a run may make of it."""
    out = before()
    first, _, _, skipped, last = out["annotations"]
    note = {"status": "ok", "predicted_iou": 0.9}
    told = {**note, "box": [6, 5, 10, 5]}
    first.update(segmentation=filled(6, 5, 10, 5), area=50, boxmask=told)
    skipped["boxmask"] = {"status": "skipped", "reason": "image missing"}
    last.update(segmentation=filled(30, 20, 10, 10), area=100, boxmask=note)
    return out


def checked(
    folder: Path, ours: Json | list[Json], theirs: Json | str, **options: Any
) -> CheckReport:
    (folder / "in.json").write_text(json.dumps(ours))
    text = theirs if isinstance(theirs, str) else json.dumps(theirs)
    (folder / "out.json").write_text(text)
    return check(read(folder / "in.json"), folder / "out.json", **options)
