"""Where images are looked for if nobody says where they are, by each format."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from annotation_files import annotate, boxes_of, make_job, photos, write_photo
from source_files import CVAT, LABEL_STUDIO, LABELME, VOC, YOLO, Files, write_source
from training_files import write_dataset
from typer.testing import CliRunner

import boxmask
from boxmask.cli import app
from boxmask.data import ReadOptions
from boxmask.errors import InputError
from boxmask.image_folder import find_image_folder

# What is given, where the photos are, and which folder is found; all below one folder.
CASES: dict[str, tuple[Files, str, tuple[str, str], str]] = {
    "YOLO folder": (YOLO, "", ("images/0.png", "images/1.png"), ""),
    "data.yaml": (YOLO, "data.yaml", ("images/0.png", "images/1.png"), ""),
    "YOLO labels alone": (YOLO, "labels", ("images/0.png", "images/1.png"), "images"),
    "VOC": (VOC, "", ("VOC2012/JPEGImages/0.png", "VOC2012/JPEGImages/1.png"), ""),
    "VOC Annotations": (
        VOC,
        "VOC2012/Annotations",
        ("VOC2012/JPEGImages/0.png", "VOC2012/JPEGImages/1.png"),
        "VOC2012",
    ),
    "LabelMe": (LABELME, "", ("0.png", "images/1.png"), ""),
    "LabelMe file": (LABELME, "0.json", ("0.png", "1.png"), ""),
    "CVAT": (CVAT, "annotations.xml", ("images/0.png", "images/1.png"), "images"),
    "Label Studio": (LABEL_STUDIO, "tasks.json", ("0.png", "far/1.png"), ""),
}


@pytest.mark.parametrize("given", CASES)
def test_they_are_found(tmp_path: Path, given: str) -> None:
    files, name, images, expected = CASES[given]
    write_source(tmp_path, files)
    for photo in images:
        (tmp_path / photo).parent.mkdir(parents=True, exist_ok=True)
        write_photo(tmp_path / photo)
    found = find_image_folder(tmp_path / name, ReadOptions())
    assert found.samefile(tmp_path / expected)


@pytest.mark.parametrize("place", ["", "images", "../images", "../val2017", ".."])
def test_those_of_coco_are_found(tmp_path: Path, place: str) -> None:
    job = make_job(tmp_path / "whole", boxes_of(4, 3))
    boxes = tmp_path / "annotations" / "instances_val2017.json"
    boxes.parent.mkdir()
    shutil.copy(job.boxes, boxes)
    shutil.copytree(photos(job), boxes.parent / place, dirs_exist_ok=True)
    assert find_image_folder(boxes, ReadOptions()).samefile(boxes.parent / place)


def test_a_folder_without_them_is_not_taken(tmp_path: Path) -> None:
    job = make_job(tmp_path, boxes_of(4, 3))
    shutil.rmtree(photos(job))
    (tmp_path / "images").mkdir()
    with pytest.raises(InputError, match=r"its images, 0.png, 1.png, 2.png .* as --images"):
        find_image_folder(job.boxes, ReadOptions())


def test_the_command_says_what_it_found_and_python_finds_the_same(tmp_path: Path) -> None:
    job = make_job(tmp_path, boxes_of(4, 3))
    more = ["-o", str(job.out), "--weights", str(job.weights)]
    result = CliRunner().invoke(app, ["annotate", str(job.boxes), *more])
    assert result.exit_code == 0, result.output
    assert f"images: {job.images}" in result.stderr
    assert boxmask.annotate(job.boxes, out=job.out, weights=job.weights).already_done
    assert annotate(make_job(tmp_path, boxes_of(4, 3), out=tmp_path / "o.json")).tally.images == 4


OTHERS = {
    "show": ("-o", "{folder}/sheet.jpg"),
    "review": ("--audit", "1"),
    "eval": ("--weights", "{weights}"),
    "train": ("--out", "{folder}/run", "--preset", "tiny"),
}


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Have training only note what it is to do."""
    jobs: list[Any] = []

    def note(job: Any, config: object, *, report: object) -> dict[str, Any]:
        jobs.append(job)
        return {}

    monkeypatch.setattr("boxmask.train.run.train", note)
    return jobs


@pytest.mark.parametrize("command", OTHERS)
def test_every_command_that_looks_at_images_finds_them(
    command: str, tmp_path: Path, trained: list[Any]
) -> None:
    file, weights = write_dataset(tmp_path, images=2), make_job(tmp_path / "job").weights
    options = [word.format(folder=tmp_path, weights=weights) for word in OTHERS[command]]
    done = CliRunner().invoke(app, [command, str(file), *options])
    assert done.exit_code == 0, done.output
    assert f"images: {tmp_path / 'images'}\n" in done.stderr
    assert [job.images for job in trained] == [(tmp_path / "images",)] * (command == "train")


def test_those_of_several_files_are_found_each_by_itself(
    tmp_path: Path, trained: list[Any]
) -> None:
    one, two = (write_dataset(tmp_path / name, images=1) for name in ("a", "b"))
    files = [str(one), "--val", str(two), "--out", str(tmp_path / "run")]
    assert CliRunner().invoke(app, ["train", *files]).exit_code == 0
    boxmask.train(one, val=two, out=tmp_path / "run")
    for job in trained:
        assert job.images == (one.parent / "images",)
        assert job.val_images == (two.parent / "images",)
    assert len(trained) == 2


def test_evaluation_in_python_finds_them_and_needs_none_for_files(tmp_path: Path) -> None:
    file, weights = write_dataset(tmp_path, images=2), make_job(tmp_path / "job").weights
    assert (
        boxmask.evaluate(file, weights=weights).systems[0].splits["overall"].iou.class_mean
        is not None
    )
    shutil.rmtree(tmp_path / "images")
    assert boxmask.evaluate(file, file).systems
    with pytest.raises(InputError, match="as --images"):
        boxmask.evaluate(file, weights=weights)
