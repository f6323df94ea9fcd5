"""Annotated files with verdicts on them, for the tests of what follows a review."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from check_files import filled
from PIL import Image

from boxmask.review.masks import rle_hash
from boxmask.review.reading import folder_instances, open_instances
from boxmask.review.verdicts import VerdictLog

Json = dict[str, Any]


def masked(id: object, image: int, box: list[int], **mark: Any) -> Json:
    """An annotation whose mask fills its box."""
    x, y, w, h = box
    own = {"id": id, "image_id": image, "category_id": 1, "bbox": box, "iscrowd": 0, "by": 1.50}
    mask = {"segmentation": filled(x, y, w, h), "area": w * h}
    return {**own, **mask, "boxmask": {"status": "ok", "box": box, **mark}}


def annotated() -> Json:
    """A file with five annotations of two images: three made, one kept, one crowd."""
    images = [
        {"id": k, "file_name": f"{name}.png", "width": 40, "height": 30, "flickr": 1e3}
        for k, name in ((7, "a"), (8, "b"))
    ]
    kept, crowd = masked(4, 8, [1, 1, 5, 5]), masked(5, 8, [9, 9, 5, 5])
    del kept["boxmask"], crowd["boxmask"]
    return {
        "info": {"year": 2020.0},
        "images": images,
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": [
            masked(1, 7, [5, 4, 20, 10], predicted_iou=0.9),
            masked(2, 7, [2, 2, 6, 6], predicted_iou=0.4),
            masked(3, 8, [20, 10, 10, 10], predicted_iou=0.7),
            kept,
            {**crowd, "iscrowd": 1},
        ],
    }


def write_file(folder: Path, content: Json, *, indent: int | None = None) -> Path:
    """Write a file and grey images for it."""
    path = folder / "masks.json"
    path.write_text(json.dumps(content, indent=indent))
    for image in content["images"]:
        size = image.get("width", 40), image.get("height", 30)
        pixels = np.random.default_rng(image["id"]).integers(
            0, 255, (size[1], size[0], 3), np.uint8
        )
        Image.fromarray(pixels).save(folder / image["file_name"])
    return path


class Review:
    """Somebody who judges a file; verdicts go into a file beside it."""

    def __init__(self, file: Path | None, folder: Path) -> None:
        self.instances = folder_instances(folder) if file is None else open_instances(file, folder)
        name = "" if file is None else file.name
        self.log = VerdictLog.open(
            folder / "verdicts.jsonl", file=name, annotations=len(self.instances)
        )
        self.entries = self.log.read.entries

    def judge(self, row: int, verdict: str, **more: Any) -> str | None:
        """Judge the mask of a row; return the hash of the one that stands then."""
        image = int(self.instances.dataset.image_index[row])
        own = {
            "id": self.instances.dataset.annotation_ids[row],
            "image": self.instances.dataset.file_names[image],
            "mask": self.instances.hash(row),
        }
        self._append(row=row, verdict=verdict, **(own | more))
        return rle_hash(more["rle"]) if "rle" in more else self.instances.hash(row)

    def correct(self, row: int, rle: Any) -> str | None:
        """Put another mask in the place of a row's."""
        return self.judge(row, "corrected", rle=rle, box=(0.0, 0.0, 9.0, 9.0), by=("brush",))

    def draw(self, image: int, rle: Any, category: str) -> None:
        """Draw an annotation on an image."""
        self._append(
            row=f"new-{self.log.next_seq}",
            id=None,
            image=self.instances.dataset.file_names[image],
            mask=None,
            verdict="drawn",
            rle=rle,
            box=(1.0, 1.0, 9.0, 9.0),
            category=category,
        )

    def undo(self, seq: int) -> None:
        """Undo an entry."""
        entry = self.entries[seq - 1]
        own = {"row": entry.row, "id": entry.id, "image": entry.image, "mask": entry.mask}
        self._append(verdict="undo", undoes=seq, **own)

    def end(self) -> None:
        """Let go of the verdicts."""
        self.log.close()

    def _append(self, **values: Any) -> None:
        self.entries.append(self.log.append(client="test", **values))


def verdicts_of(file: Path) -> Path:
    """Name the verdicts beside a file."""
    return file.with_name("verdicts.jsonl")
