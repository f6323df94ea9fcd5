"""Masks back into the format that their boxes came in: read again, and all else as it was."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from annotation_files import annotate, make_job, photos
from back_files import each, job_of, made_by, masks_of, put_back
from source_files import (
    YOLO,
    write_source,
)

from boxmask.data import ReadOptions, read
from boxmask.errors import ConfigError


@each
def test_masks_are_read_again_pixel_by_pixel(tmp_path: Path, option: str) -> None:
    job = job_of(tmp_path, option)
    put_back(job)
    made = made_by(job)
    again = read(job.exports[option], ReadOptions(images=photos(job)))
    assert not again.faults[again.has_mask].any()
    found = masks_of(again)
    assert all((one == other).all() for one, other in zip(made, found, strict=True))
    ends = [(np.argwhere(mask).min(0), np.argwhere(mask).max(0) + 1) for mask in made]
    tight = [[*low[::-1], *high[::-1]] for low, high in ends]
    if option != "megadetector":
        np.testing.assert_allclose(again.boxes[again.has_mask], tight, atol=1e-3)


@each
def test_what_is_read_again_counts_as_masks_and_is_kept(tmp_path: Path, option: str) -> None:
    job = job_of(tmp_path, option)
    annotate(job)
    again = replace(job, boxes=job.exports[option], out=tmp_path / "again.json", exports={})
    statuses = annotate(again).tally.statuses
    assert statuses["kept"] == 3 and statuses["skipped"] == 0
    assert statuses["ok"] == (3 if option == "label_studio" else 0)  # its boxes are still there


@each
def test_the_source_is_not_touched_and_a_second_run_writes_nothing(
    tmp_path: Path, option: str
) -> None:
    job = job_of(tmp_path, option)
    source = tmp_path / "source"
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    assert not annotate(job).already_done
    assert {path: path.read_bytes() for path in before} == before
    assert annotate(job).already_done
    other = replace(job, export_options=replace(job.export_options, shapes="polygons"))
    assert annotate(other).already_done == (option == "megadetector")


@each
def test_it_is_refused_for_boxes_of_another_format_before_any_mask(
    tmp_path: Path, option: str
) -> None:
    boxes = write_source(tmp_path / "source", YOLO)
    job = make_job(tmp_path, boxes=boxes, exports={option: tmp_path / "back"})
    with pytest.raises(ConfigError, match=r"source: YOLO, but --.* puts masks back into .*COCO"):
        annotate(job)
    assert not job.out.exists() and not (tmp_path / "back").exists()


def test_the_option_that_fits_is_named(tmp_path: Path) -> None:
    job = job_of(tmp_path, "cvat")
    with pytest.raises(ConfigError, match="for these boxes there is --cvat"):
        annotate(replace(job, exports={"labelme": tmp_path / "back"}))


@each
def test_it_is_not_written_over_what_it_was_read_from(tmp_path: Path, option: str) -> None:
    job = job_of(tmp_path, option)
    with pytest.raises(ConfigError, match="would write over this file, which is read"):
        annotate(replace(job, exports={option: job.boxes}, fresh=True))


def test_a_folder_that_cannot_be_written_in_is_refused_before_any_mask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(tmp_path, "labelme")
    below = replace(job, exports={"labelme": photos(job) / "0.png" / "x"})
    with pytest.raises(ConfigError, match=r"0.png: a file; --labelme cannot be below it"):
        annotate(below)
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    closed = replace(job, exports={"labelme": tmp_path / "x" / "y"})
    with pytest.raises(ConfigError, match="a folder that cannot be written in; give another"):
        annotate(closed)
    assert not job.out.exists()
