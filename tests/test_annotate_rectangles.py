"""Segmentations that are just their box: no masks, unless somebody has drawn them."""

import json
from pathlib import Path
from typing import Any

import pytest
from annotation_files import Json, annotate, boxes_of, make_job, output, silent
from typer.testing import CliRunner

from boxmask.annotate.estimate import estimate
from boxmask.annotate.job import AnnotateJob
from boxmask.check import check
from boxmask.cli import app
from boxmask.data import read
from boxmask.evaluate.job import EvaluateJob
from boxmask.evaluate.run import evaluate
from boxmask.evaluate.show.terminal import notes


def corners(box: list[float], *, start: int = 0, back: bool = False, closed: bool = False) -> Any:
    x, y, w, h = box
    points = [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
    points = points[start:] + points[:start]
    points = points[::-1] if back else points
    points += points[:1] if closed else []
    return [[number for point in points for number in point]]


def drawn(box: list[float]) -> Any:
    x, y, w, h = box
    return [[x, y, x + w, y, x, y + h]]


def data_of(rectangles: int, others: int) -> Json:
    data = boxes_of(4, 3)
    for k, record in enumerate(data["annotations"][: rectangles + others]):
        record["segmentation"] = (corners if k < rectangles else drawn)(record["bbox"])
    return data


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("start", range(4))
def test_either_winding_from_any_corner_closed_or_not_is_a_box(
    tmp_path: Path, start: int, back: bool, closed: bool
) -> None:
    data = boxes_of(1, 2)
    for record in data["annotations"]:
        how = {"start": start, "back": back, "closed": closed}
        record["segmentation"] = corners(record["bbox"], **how)  # type: ignore[arg-type]
    dataset = read(make_job(tmp_path, data).boxes)
    assert dataset.is_rectangle.all() and dataset.has_mask.all()


@pytest.mark.parametrize(
    "other",
    [
        [[1, 4, 10, 4, 10, 24, 1, 23]],
        [[1, 4, 10, 24, 10, 4, 1, 24]],
        [[0, 4, 10, 4, 10, 24, 0, 24]],
        [[1, 4, 10, 4, 10, 24, 1, 24], [2, 5, 3, 5, 3, 6]],
        [[1, 4, 10, 4, 10, 24, 1, 24, 1, 5]],
        {"size": [30, 40], "counts": [0, 1, 2, 3, 4, 5, 6, 1179]},
        "[[1,2,3,4,5,6,7,8]]",
    ],
    ids=["slanted", "crossed", "larger", "two", "open", "runs", "text"],
)
def test_anything_else_is_a_mask(tmp_path: Path, other: object) -> None:
    data = boxes_of(1, 1)
    data["annotations"][0] |= {"bbox": [1, 4, 9, 20], "segmentation": other}
    assert not read(make_job(tmp_path, data).boxes).is_rectangle.any()


def test_a_mask_that_we_have_made_is_one_though_it_fills_its_box(tmp_path: Path) -> None:
    data = data_of(12, 0)
    for record in data["annotations"]:
        record["boxmask"] = {"status": "ok", "predicted_iou": 0.5}
    assert annotate(make_job(tmp_path, data)).tally.statuses["kept"] == 12


CASES = {
    "all": (12, 0, "auto", 12, 0),
    "half": (3, 3, "auto", 9, 3),
    "few": (2, 4, "auto", 6, 6),
    "few, told to": (2, 4, "predict", 8, 4),
    "all, told not to": (12, 0, "keep", 0, 12),
}


@pytest.mark.parametrize(("boxes", "masks", "choice", "made", "kept"), CASES.values(), ids=CASES)
def test_boxes_are_predicted_where_the_file_was_made_from_boxes(
    tmp_path: Path, boxes: int, masks: int, choice: Any, made: int, kept: int
) -> None:
    job = make_job(tmp_path, data_of(boxes, masks), rectangles=choice)
    assert estimate(job, silent).boxes == made
    tally = annotate(job).tally
    assert (tally.statuses["ok"], tally.statuses["kept"]) == (made, kept)
    assert tally.rectangles == (boxes if kept == masks else 0)
    report = check(read(job.boxes), job.out)
    assert report.holds and report.rectangles == (0 if kept == masks else boxes)
    assert sum("boxmask" in record for record in output(job)["annotations"]) == made


def said(job: AnnotateJob, *more: str) -> str:
    paths = {"--images": job.images, "--out": job.out, "--weights": job.weights}
    options = [str(part) for pair in paths.items() for part in pair]
    return CliRunner().invoke(app, ["annotate", str(job.boxes), *options, *more]).stdout


def test_the_summary_says_which_were_taken_for_boxes_and_how_to_have_it_otherwise(
    tmp_path: Path,
) -> None:
    assert "12 segmentations are just their box and were taken for boxes; --rectangles keep" in (
        said(make_job(tmp_path / "all", data_of(12, 0)))
    )
    assert "2 segmentations are just their box and were kept; --rectangles predict" in (
        said(make_job(tmp_path / "few", data_of(2, 4)))
    )


def test_eval_says_that_true_masks_are_boxes(tmp_path: Path) -> None:
    job = make_job(tmp_path, data_of(2, 10))
    report = evaluate(EvaluateJob(job.boxes, baselines=("box",), workers=1)).report
    assert report.rectangles == 2
    assert any("2 of the true masks are just a box" in note for note in notes(report))


def test_check_prints_that_masks_which_were_kept_are_boxes(tmp_path: Path) -> None:
    job = make_job(tmp_path, data_of(2, 4))
    annotate(job)
    shown = CliRunner().invoke(app, ["check", str(job.boxes), str(job.out)]).stdout
    assert "2 of the masks kept are just their box" in shown
    json.loads(CliRunner().invoke(app, ["check", str(job.boxes), str(job.out), "--json"]).stdout)
