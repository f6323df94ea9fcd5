"""Images of every fate, and annotations of them written by hand."""

import json
from pathlib import Path
from typing import Any

from annotation_files import HEIGHT, WIDTH, Json, boxes_of, make_job, photos, write_photo
from pycocotools import mask as coco_mask

from boxmask.annotate.job import AnnotateJob

# One image of each fate; the sizes are those of the records.
FILES: dict[str, Json] = {
    "good": {"file_name": "good.png", "width": WIDTH, "height": HEIGHT},
    "unsized": {"file_name": "unsized.png"},
    "missing": {"file_name": "missing.png", "width": WIDTH, "height": HEIGHT},
    "cut": {"file_name": "cut.png", "width": WIDTH, "height": HEIGHT},
    "text": {"file_name": "text.png", "width": WIDTH, "height": HEIGHT},
    "other size": {"file_name": "good.png", "width": 7, "height": 9},
    "outside": {"file_name": "../boxes.json", "width": WIDTH, "height": HEIGHT},
    "one pixel": {"file_name": "one.png", "width": 1, "height": 1},
}
SEGMENTATIONS = ["[]", "null", "[[1,1,9,1,9,9.50]]", '{"size":[30,40],"counts":[0,1200]}', '"odd"']


def make_defective_job(folder: Path) -> AnnotateJob:
    """Write images of every fate, and return a job for them whose boxes are still to be written."""
    job = make_job(folder, boxes_of(1, 1), fresh=True)
    for seed, name in enumerate(("good.png", "unsized.png", "cut.png")):
        write_photo(photos(job) / name, seed=seed)
    write_photo(photos(job) / "one.png", size=(1, 1))
    whole = (photos(job) / "cut.png").read_bytes()
    (photos(job) / "cut.png").write_bytes(whole[: len(whole) // 2])
    (photos(job) / "text.png").write_text("no image")
    return job


def as_text(records: list[list[tuple[str, str]]]) -> str:
    """Write a COCO file by hand, every value as it stands."""
    rows = ["{" + ", ".join(f'"{key}": {value}' for key, value in row) + "}" for row in records]
    images = [{"id": name, **file} for name, file in FILES.items()]
    head = f'"info": {{"v": 1.00}}, "images": {json.dumps(images)}, "categories": [{{"id": 1}}]'
    return f'{{{head}, "annotations": [{", ".join(rows)}], "tail": [1.0]}}'


def verbatim(text: str) -> Json:
    """Parse JSON with every number as it was written."""
    found: Json = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    return found


def tight_box(segmentation: Any) -> list[int]:
    """Bound a mask of run lengths or polygons as pycocotools does."""
    if isinstance(segmentation, list):
        outlines = [[float(place) for place in ring] for ring in segmentation]
        parts = coco_mask.frPyObjects(outlines, HEIGHT, WIDTH)
        segmentation = coco_mask.merge(parts)
    size = [int(side) for side in segmentation["size"]]
    return [int(side) for side in coco_mask.toBbox({**segmentation, "size": size})]
