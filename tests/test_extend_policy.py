"""A further policy for bad boxes is one entry of one table; everything else follows from it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from annotation_files import annotate, boxes_of, make_job, output
from box_files import annotation, coco, write

from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.work_folder import WorkFolder
from boxmask.check import check
from boxmask.data import ReadOptions, read
from boxmask.errors import InputError
from boxmask.faults import FAULTS, Candidates, Fault, Flags

SMALL = "box is under 4 pixels"


def is_small(candidates: Candidates) -> Flags:
    """Tell which boxes are less than 4 pixels wide or high; fractions are judged later."""
    x0, y0, x1, y1 = candidates.boxes.T
    small: Flags = candidates.in_pixels & ((x1 - x0 < 4) | (y1 - y0 < 4))
    return small


@pytest.fixture(autouse=True)
def policy() -> Iterator[None]:
    FAULTS[SMALL] = Fault("bbox", is_small)
    yield
    del FAULTS[SMALL]


def job_of(folder: Path, *boxes: list[float], key: str = "bbox") -> AnnotateJob:
    """Return a job with these boxes on one image, of a stated size if they are in pixels."""
    data = boxes_of(1, len(boxes))
    for record, box in zip(data["annotations"], boxes, strict=True):
        del record["bbox"]
        record[key] = box
    if key != "bbox":
        del data["images"][0]["width"]
    return make_job(folder, data)


def marks(job: AnnotateJob) -> list[Any]:
    rows = output(job)["annotations"]
    return [(row["boxmask"]["status"], row["boxmask"].get("reason")) for row in rows]


def test_the_policy_skips_counts_logs_and_passes_the_check(tmp_path: Path) -> None:
    job = job_of(tmp_path, [1, 1, 9, 9], [1, 1, 3.5, 9], [1, 1, 0, 9])
    tally = annotate(job).tally
    empty = "box has no width or height"
    assert marks(job) == [("ok", None), ("skipped", SMALL), ("skipped", empty)]
    assert tally.reasons == {SMALL: 1, empty: 1}
    first = json.loads(WorkFolder(job.out).log.read_text().splitlines()[0])
    assert (first["reason"], first["detail"]) == (SMALL, "bbox is [1, 1, 3.5, 9]")
    assert check(read(job.boxes), job.out).holds


def test_a_box_in_fractions_is_judged_once_its_image_is_open(tmp_path: Path) -> None:
    job = job_of(tmp_path, [0.1, 0.1, 0.5, 0.5], [0.1, 0.1, 0.5, 0.1], key="bbox_relative")
    annotate(job)
    assert marks(job) == [("ok", None), ("skipped", SMALL)]


def test_strict_stops_at_the_policy(tmp_path: Path) -> None:
    path = write(tmp_path / "boxes.json", coco(annotation(bbox=[1, 2, 3, 9])))
    with pytest.raises(InputError, match=SMALL):
        read(path, ReadOptions(strict=True))
    with pytest.raises(InputError, match=SMALL):
        annotate(replace(job_of(tmp_path, [0.1, 0.1, 0.5, 0.1], key="bbox_relative"), strict=True))


def test_without_the_policy_such_a_box_has_a_mask(tmp_path: Path) -> None:
    fault = FAULTS.pop(SMALL)
    job = job_of(tmp_path, [1, 1, 3.5, 9])
    annotate(job)
    FAULTS[SMALL] = fault
    assert marks(job) == [("ok", None)]
