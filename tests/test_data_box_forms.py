"""Boxes that are not x, y, width, height: what all boxes of a file say together, and the user."""

import json
from pathlib import Path

import numpy as np
import pytest
from annotation_files import HEIGHT, WIDTH, annotate, boxes_of, make_job, output
from box_files import annotation, coco, image, write

from boxmask.check import check
from boxmask.data import ReadOptions, read
from boxmask.errors import InputError
from boxmask.evaluate.job import EvaluateJob
from boxmask.evaluate.reading import read_masks
from boxmask.evaluate.run import evaluate
from boxmask.formats import BoxForm

# In an image of 100 x 80.
PIXELS = [[50, 40, 20, 10], [60, 30, 40, 20], [5, 50, 10, 10], [70, 60, 20, 20], [1, 2, 10, 30]]


def written(form: str) -> list[list[float]]:
    """The boxes as a form writes them."""
    scale = [100, 80, 100, 80] if form.startswith("normalised") else [1, 1, 1, 1]
    found = []
    for x, y, w, h in PIXELS:
        box: list[float] = [x, y, w, h]
        if form.endswith("xyxy"):
            box = [x, y, x + w, y + h]
        if form.endswith("cxcywh"):
            box = [x + w / 2, y + h / 2, w, h]
        found.append([number / side for number, side in zip(box, scale, strict=True)])
    return found


def file_of(folder: Path, boxes: list[list[float]], **changes: object) -> Path:
    rows = [annotation(id=k, bbox=box) for k, box in enumerate(boxes)]
    return write(folder / "boxes.json", coco(*rows, images=[image(**changes)]))


FORMS: list[BoxForm] = ["xywh", "xyxy", "cxcywh", "normalised"]
FORMS += ["normalised-xyxy", "normalised-cxcywh"]


@pytest.mark.parametrize("form", FORMS)
def test_a_form_that_is_named_gives_the_same_boxes(tmp_path: Path, form: BoxForm) -> None:
    path = file_of(tmp_path, written(form))
    dataset, masks = read(path, ReadOptions(bbox=form)), read_masks(path, bbox=form)
    wanted = np.array([[x, y, x + w, y + h] for x, y, w, h in PIXELS])
    assert np.allclose(dataset.boxes, wanted) and np.allclose(masks.boxes, wanted)
    assert not dataset.faults.any()


SAID = {
    "xyxy": "look like x0, y0, x1, y1: as x, y, width, height 4 of 5 would leave their images, as "
    "two corners 5 fit. One is [50, 40, 70, 50] in an image of 100 x 80",
    "normalised": "look like fractions of the image: all 5 have numbers from 0.01 to 0.75, the "
    "first is [0.5, 0.5, 0.2, 0.125]",
    "normalised-xyxy": "look like fractions",
    "normalised-cxcywh": "look like fractions",
}


@pytest.mark.parametrize("form", SAID)
def test_boxes_that_look_otherwise_stop_the_run_with_the_evidence(
    tmp_path: Path, form: str
) -> None:
    path = file_of(tmp_path, written(form))
    for reading in (read, read_masks):
        with pytest.raises(InputError) as error:
            reading(path)
        assert SAID[form] in str(error.value) and "--bbox xywh, xyxy" in str(error.value)
    assert len(read(path, ReadOptions(bbox="xywh")).boxes) == 5


@pytest.mark.parametrize(
    "boxes",
    [
        PIXELS,
        [[90, 60, 95, 70]],  # one that leaves its image is nothing to go by
        [*PIXELS * 3, [60, 40, 90, 70], [60, 40, 90, 70]],
        [[60, 40, 90, 70]] * 3 + [[60, 40, 20, 30]] * 3,  # corners would not fit the others
        [[0, 0, 1, 1], [1, 1, 1, 1]],  # whole pixels
        [[0.5, 0.5, 0.2, 0.2], [3, 3, 9, 9]],
        [],
    ],
)
def test_other_boxes_are_read_without_a_word(tmp_path: Path, boxes: list[list[float]]) -> None:
    assert len(read(file_of(tmp_path, boxes)).boxes) == len(boxes) or not boxes


def test_without_sizes_there_is_no_evidence_for_corners(tmp_path: Path) -> None:
    assert len(read(file_of(tmp_path, written("xyxy"), width=None)).boxes) == 5


@pytest.mark.parametrize("sized", [True, False])
def test_annotate_keeps_the_numbers_and_says_how_they_were_read(
    tmp_path: Path, sized: bool
) -> None:
    plain = make_job(tmp_path / "plain")
    annotate(plain)
    data = boxes_of(4, 3)
    for record in data["annotations"]:
        x, y, w, h = record["bbox"]
        record["bbox"] = [x / WIDTH, y / HEIGHT, (x + w) / WIDTH, (y + h) / HEIGHT]
    for one in data["images"] if not sized else ():
        del one["width"], one["height"]
    job = make_job(tmp_path / "corners", data, reading=ReadOptions(bbox="normalised-xyxy"))
    annotate(job)
    for own, record, other in zip(
        data["annotations"], output(job)["annotations"], output(plain)["annotations"], strict=True
    ):
        assert record["bbox"] == own["bbox"]
        assert record["boxmask"].pop("bbox") == "normalised-xyxy"
        assert record["boxmask"] == other["boxmask"]
        assert record["segmentation"] == other["segmentation"]
    assert check(read(job.boxes, job.reading), job.out).holds


def test_eval_is_told_what_the_numbers_are(tmp_path: Path) -> None:
    path = file_of(tmp_path, written("xyxy"))
    data = json.loads(path.read_text())
    for record, (x, y, w, h) in zip(data["annotations"], PIXELS, strict=True):
        record["segmentation"] = [[x, y, x + w, y, x + w, y + h]]
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match="look like x0, y0"):
        evaluate(EvaluateJob(path, baselines=("box",), workers=1))
    report = evaluate(EvaluateJob(path, baselines=("box",), workers=1, bbox="xyxy")).report
    assert 0.4 < report.systems[0].splits["overall"].means["iou"].class_mean < 0.6
