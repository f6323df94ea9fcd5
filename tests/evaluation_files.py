"""Makes small files of true and predicted masks for the tests of evaluation."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco

BoolArray = npt.NDArray[np.bool_]
Json = dict[str, Any]

HEIGHT, WIDTH = 60, 80


def rle(bits: BoolArray) -> Json:
    """Encode a mask (H, W) as pycocotools does."""
    encoded = coco.encode(np.asfortranarray(bits, dtype=np.uint8))
    return {"size": list(encoded["size"]), "counts": encoded["counts"].decode()}


def rectangle(x: int, y: int, w: int, h: int, size: tuple[int, int] = (HEIGHT, WIDTH)) -> BoolArray:
    """Fill a rectangle of an otherwise empty mask (H, W)."""
    bits = np.zeros(size, dtype=np.bool_)
    bits[y : y + h, x : x + w] = True
    return bits


def annotation(id: object, bits: BoolArray | None = None, **overrides: Any) -> Json:
    """Make an annotation of image 1, category 1."""
    bits = rectangle(10, 10, 20, 20) if bits is None else bits
    ys, xs = np.nonzero(bits)
    box = [0, 0, 1, 1]
    if len(xs):
        left, top = int(xs.min()), int(ys.min())
        box = [left, top, int(xs.max()) + 1 - left, int(ys.max()) + 1 - top]
    made = {
        "id": id,
        "image_id": 1,
        "category_id": 1,
        "bbox": box,
        "area": int(bits.sum()),
        "iscrowd": 0,
        "segmentation": rle(bits),
    }
    return made | overrides


def form(annotations: list[Json], **overrides: Any) -> Json:
    """Wrap annotations into a COCO form with the images and categories that they name."""
    images = dict.fromkeys(a["image_id"] for a in annotations)
    classes = dict.fromkeys(a["category_id"] for a in annotations)
    return {
        "images": [
            {"id": id, "file_name": f"{id}.jpg", "width": WIDTH, "height": HEIGHT} for id in images
        ],
        "categories": [{"id": id, "name": f"class {id}"} for id in classes],
        "annotations": annotations,
    } | overrides


def write(folder: Path, name: str, content: object) -> Path:
    """Write JSON and return where."""
    path = folder / name
    path.write_text(json.dumps(content))
    return path


def scene(seed: int = 0, *, images: int = 12, classes: int = 5) -> tuple[Json, Json]:
    """Make true masks on several images, a few of them crowds, and imperfect predictions."""
    random = np.random.default_rng(seed)
    true: list[Json] = []
    predicted: list[Json] = []
    for image in range(1, images + 1):
        for _ in range(int(random.integers(1, 7))):
            x, y = (int(v) for v in random.integers(0, 40, 2))
            w, h = (int(v) for v in random.integers(1, 40, 2))
            dx, dy = (int(v) for v in random.integers(-3, 4, 2))
            id = len(true) + 1
            where = {"image_id": image, "category_id": int(random.integers(1, classes + 1))}
            crowd = {"iscrowd": int(random.random() < 0.1)}
            true.append(annotation(id, rectangle(x, y, w, h), **where, **crowd))
            moved = rectangle(max(0, x + dx), max(0, y + dy), w, h)
            mark = {"boxmask": {"status": "ok", "predicted_iou": round(float(random.random()), 2)}}
            predicted.append(annotation(id, moved, **where, **crowd, **mark))
    return form(true), form(predicted)
