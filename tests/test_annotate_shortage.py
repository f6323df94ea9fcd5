"""A run that makes no masks, or few for want of images, is no success, and says what may help."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from annotation_files import annotate, boxes_of, make_job, output, photos, silent
from typer.testing import CliRunner, Result

from boxmask.annotate.estimate import estimate
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.shortage import explain_shortage
from boxmask.cli import app
from boxmask.images.likely_cause import likely_cause


def call(job: AnnotateJob, *more: str) -> Result:
    options = ["--images", str(job.images), "--out", str(job.out), "--weights", str(job.weights)]
    return CliRunner().invoke(app, ["annotate", str(job.boxes), *options, *more])


def in_subfolder(job: AnnotateJob) -> AnnotateJob:
    return replace(job, images=photos(job).parent)


def in_parent(job: AnnotateJob) -> AnnotateJob:
    (photos(job) / "inner").mkdir()
    return replace(job, images=photos(job) / "inner")


def renamed(change: Callable[[AnnotateJob, str], str]) -> Callable[[AnnotateJob], AnnotateJob]:
    def rename(job: AnnotateJob) -> AnnotateJob:
        data = json.loads(job.boxes.read_bytes())
        for image in data["images"]:
            image["file_name"] = change(job, image["file_name"])
        job.boxes.write_text(json.dumps(data))
        return job

    return rename


CAUSES = {
    "below": (in_subfolder, "0.png is in {images}: give --images {images}."),
    "above": (in_parent, "0.png is in {images}: give --images {images}."),
    "suffix": (renamed(lambda job, name: name.replace("png", "jpg")), "the suffix is another"),
    "case": (renamed(lambda job, name: name.upper()), "case counts"),
    "url": (renamed(lambda job, name: f"https://h/{name}"), "file names are URLs (https://h/0.png"),
    "folder": (renamed(lambda job, name: f"val/{name}"), "the file name says val/0.png"),
    "backslash": (
        renamed(lambda job, name: f"..\\images\\{name}"),
        "file names have backslashes (..\\images\\0.png)",
    ),
    "nothing": (renamed(lambda job, name: f"x{name}"), "the folder in which the file names begin"),
}


@pytest.mark.parametrize(("mistake", "said"), CAUSES.values(), ids=CAUSES)
def test_the_likely_cause_is_said_by_a_run_and_by_a_dry_run(
    tmp_path: Path, mistake: Callable[[AnnotateJob], AnnotateJob], said: str
) -> None:
    job = make_job(tmp_path)
    said = said.format(images=photos(job))
    job = mistake(job)
    for more in (["--dry-run"], [], []):
        result = call(job, *more)
        assert result.exit_code == 5, result.output
        assert "warning: 12 boxes want a mask and no mask was made: " in result.stderr
        assert said in result.stderr
    assert "already done" in result.stdout and "0 masks" not in result.stdout


def test_a_dry_run_without_images_claims_no_speed(tmp_path: Path) -> None:
    job = in_subfolder(make_job(tmp_path))
    found = estimate(job, silent)
    assert (found.images_checked, found.unusable) == (4, {"image missing": 4})
    assert found.boxes_per_second is None
    assert "could not be measured" in call(job, "--dry-run").stdout


def test_masks_are_counted_and_not_boxes(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    (photos(job) / "2.png").unlink()
    result = call(job)
    assert result.exit_code == 0 and "9 masks in" in result.stdout


@pytest.mark.parametrize(("lost", "status"), [(1, 0), (2, 5), (3, 5)])
def test_half_of_the_boxes_without_an_image_is_no_success(
    tmp_path: Path, lost: int, status: int
) -> None:
    job = make_job(tmp_path)
    for image in range(lost):
        (photos(job) / f"{image}.png").unlink()
    assert call(job, "--dry-run").exit_code == status
    assert call(job).exit_code == status
    assert call(job, "--max-skipped", "0").exit_code == 3


def test_images_of_another_size_are_noticed_before_the_hours_are_spent(tmp_path: Path) -> None:
    data = boxes_of(2, 2)
    for image in data["images"]:
        image["width"] += 1
    found = estimate(make_job(tmp_path, data), silent)
    assert found.unusable == {"size mismatch": 2} and "size mismatch (4)" in found.shortage


def test_boxes_that_are_all_defective_are_no_success_and_those_left_out_are_none(
    tmp_path: Path,
) -> None:
    folder = tmp_path
    counts = {"made": 0, "kept": 0}
    assert "no mask" in explain_shortage(folder, [], {"box is missing": 3}, **counts)
    assert not explain_shortage(folder, [], {"box is missing": 3}, made=0, kept=1)
    assert not explain_shortage(folder, [], {"below the confidence threshold": 3}, **counts)
    assert not explain_shortage(folder, [], {}, **counts)


@pytest.mark.parametrize("through_link", [False, True])
def test_full_paths_into_the_image_folder_are_used(tmp_path: Path, through_link: bool) -> None:
    job = make_job(tmp_path, exports={"yolo": tmp_path / "yolo"})
    (tmp_path / "link").symlink_to(photos(job))
    named = tmp_path / "link" if through_link else photos(job)
    job = replace(renamed(lambda job, name: str(job.images / name))(job), images=named)
    assert annotate(job).tally.statuses["ok"] == 12
    assert output(job)["images"][0]["file_name"] == str(tmp_path / "images" / "0.png")
    assert [path.name for path in sorted((tmp_path / "yolo").rglob("?.txt"))] == [
        f"{k}.txt" for k in range(4)
    ]


def test_full_paths_elsewhere_are_refused(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    (tmp_path / "other").mkdir()
    job = renamed(lambda job, name: str(job.images / name))(job)
    summary = annotate(replace(job, images=tmp_path / "other"))
    assert summary.tally.reasons == {"file name leaves the image folder": 12}
    assert "file names are full paths" in summary.shortage


def test_names_that_no_file_can_have_have_no_likely_cause(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert likely_cause(tmp_path, ["a\0b", "x" * 300, "", "loop"]) == ""
