"""Files of each format that masks go back into, and the jobs that put them there."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from annotation_files import annotate, make_job, output, photos
from export_files import rle
from source_files import (
    CVAT,
    LABEL_STUDIO,
    LABELME,
    Files,
    write_source,
)

from boxmask.annotate.exports import finished_job
from boxmask.annotate.job import AnnotateJob
from boxmask.data import ReadOptions, read, segmentation
from boxmask.dataset import BoxDataset
from boxmask.export import Exported, ExportOptions, exporter
from boxmask.rle import segmentation_runs

Bits = npt.NDArray[np.bool_]
WIDTH, HEIGHT = 40, 30
FRACTIONS = [[0.1, 0.1, 0.5, 0.5], [0.25, 0.2, 0.5, 0.7], [0.05, 0.1, 0.5, 0.7]]
FOUND = [
    {"category": "1", "conf": 0.5, "more": [1.50, {"a": None}], "bbox": box} for box in FRACTIONS
]
MEGADETECTOR: Files = {
    "results.json": json.dumps(
        {
            "info": {"detector": "x"},
            "detection_categories": {"1": "animal"},
            "images": [
                {"file": "0.png", "detections": FOUND[:2]},
                {"file": "none.png", "failure": "no image"},
                {"file": "1.png", "detections": FOUND[2:]},
            ],
        },
        indent=1,
    )
}
# By the option: the files of a dataset, and which of them is named ("" for the folder).
FORMATS: dict[str, tuple[Files, str]] = {
    "labelme": (LABELME, ""),
    "cvat": (CVAT, "annotations.xml"),
    "label_studio": (LABEL_STUDIO, "tasks.json"),
    "megadetector": (MEGADETECTOR, "results.json"),
}
each = pytest.mark.parametrize("option", FORMATS)


def job_of(folder: Path, option: str, files: Files | None = None, **options: object) -> AnnotateJob:
    """Make a job that puts the masks back, as runs unless the options say otherwise."""
    usual, name = FORMATS[option]
    boxes = write_source(folder / "source", files or usual, name)
    job = make_job(folder, boxes=boxes)
    (folder / "back").mkdir(exist_ok=True)
    place = folder / "back" / name if name else folder / "back"
    given = ExportOptions(**({"shapes": "masks"} | options))  # type: ignore[arg-type]
    return replace(job, exports={option: place}, export_options=given)


def masks_of(dataset: BoxDataset) -> list[Bits]:
    """Decode the masks of a dataset, row by row."""
    size = {"width": WIDTH, "height": HEIGHT}
    rows = np.flatnonzero(dataset.has_mask).tolist()
    found = (segmentation_runs(segmentation(dataset, row, (WIDTH, HEIGHT)), **size) for row in rows)
    return [(np.arange(len(runs)) % 2 == 1).repeat(runs).reshape(WIDTH, HEIGHT).T for runs in found]


def made_by(job: AnnotateJob) -> list[Bits]:
    """Decode the masks of an output."""
    return masks_of(read(job.out))


def put_back(job: AnnotateJob) -> Exported:
    """Run a job, put masks of several parts and holes into its output, and export that."""
    annotate(replace(job, exports={}, tolerance=None))
    rng, found = np.random.default_rng(3), output(job)
    for one in found["annotations"]:
        if one["boxmask"]["status"] == "ok":
            bits = np.kron(rng.random((6, 8)) < 0.5, np.ones((5, 5))) > 0
            bits[::5, ::5] = False  # so that no part is an upright box
            one["segmentation"] = rle(bits)
    job.out.write_text(json.dumps(found))
    ((option, place),) = job.exports.items()
    dataset = read(job.boxes, ReadOptions(images=photos(job)))
    return exporter(option).write(finished_job(job, dataset), place)
