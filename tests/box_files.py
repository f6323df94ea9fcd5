"""Small box files in every format that is read, written by the tests that need them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

VG = "https://cs.stanford.edu/people/rak248/"

Record = dict[str, Any]


def image(**changes: object) -> Record:
    """Make a COCO image record of 100 x 80 pixels."""
    return {"id": 1, "file_name": "a.jpg", "width": 100, "height": 80} | changes


def annotation(**changes: object) -> Record:
    """Make a sound COCO annotation without a mask."""
    return {"id": 7, "image_id": 1, "category_id": 3, "bbox": [10, 20, 30, 40]} | changes


def coco(*annotations: Record, **changes: object) -> Record:
    """Make a COCO file of one image, with the annotations or one sound one."""
    return {
        "images": [image()],
        "annotations": list(annotations) or [annotation()],
        "categories": [{"id": 3, "name": "cat"}],
    } | changes


def thing(**changes: object) -> Record:
    """Make a Visual Genome object."""
    sound = {"synsets": ["tree.n.01"], "h": 557, "object_id": 10, "merged_object_ids": [5, 6]}
    return sound | {"names": ["trees"], "w": 799, "y": 0, "x": 0} | changes


def genome(*objects: Record) -> list[Record]:
    """Make objects.json of one image."""
    return [
        {"image_id": 1, "objects": list(objects) or [thing()], "image_url": f"{VG}VG_100K_2/9.jpg"}
    ]


def genome_images(**changes: object) -> list[Record]:
    """Make image_data.json of the same image; the number in its url is not its id."""
    sound = {"width": 800, "height": 600, "image_id": 1, "url": f"{VG}VG_100K_2/9.jpg"}
    return [sound | {"coco_id": None, "flickr_id": 4} | changes]


def detection(**changes: object) -> Record:
    """Make a detection."""
    return {"category": "1", "conf": 0.9, "bbox": [0.1, 0.25, 0.5, 0.5]} | changes


def detections(*images: Record, **changes: object) -> Record:
    """Make MegaDetector results in the current form."""
    return {
        "info": {"format_version": "1.6"},
        "detection_categories": {"1": "animal", "2": "person", "3": "vehicle"},
        "images": list(images) or [{"file": "cam/a.jpg", "detections": [detection()]}],
    } | changes


def in_bytes(fields: Mapping[str, object]) -> Record:
    """Turn the raw values of a written annotation into bytes, to compare them."""
    return {key: bytes(v) if isinstance(v, msgspec.Raw) else v for key, v in fields.items()}


def write(path: Path, content: object) -> Path:
    """Write as Python's json does: NaN and Infinity stay bare words."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
