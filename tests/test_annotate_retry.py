"""What was skipped for its image is tried again, and then as if it had been there at once."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from annotation_files import (
    annotate,
    boxes_of,
    make_job,
    output,
    photos,
    silent,
    window_job,
    write_photo,
)

from boxmask.annotate.estimate import estimate
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.work_folder import WorkFolder
from boxmask.errors import InputError, RunError


def bytes_at_once(job: AnnotateJob) -> bytes:
    """The output of a run that had all images, beside the job's own output."""
    at_once = replace(job, out=job.out.with_name("at_once.json"))
    annotate(at_once)
    return at_once.out.read_bytes()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-900])


def swap(path: Path) -> None:
    """Put an image of another size in its place."""
    write_photo(path, size=(11, 12))


@pytest.mark.parametrize("spoil", [Path.unlink, cut, swap, lambda path: path.write_bytes(b"")])
@pytest.mark.parametrize("changes", [{}, {"polygons": True, "tolerance": 1.5, "tighten": True}])
def test_an_image_that_is_mended_is_annotated_by_the_same_command(
    tmp_path: Path, spoil: Callable[[Path], None], changes: dict[str, bool]
) -> None:
    job = make_job(tmp_path, boxes_of(6, 2), **changes)
    whole, image = bytes_at_once(job), photos(job) / "3.png"
    sound = image.read_bytes()
    spoil(image)
    assert annotate(job).tally.statuses["skipped"] == 2
    assert annotate(job).already_done
    image.write_bytes(sound)
    summary = annotate(job)
    assert not summary.already_done and summary.tally.skipped == 0
    assert (summary.predicted, summary.reused) == (4, 8)  # the shard of the image, and the others
    assert job.out.read_bytes() == whole
    assert not WorkFolder(job.out).log.exists()


def test_sizes_that_were_measured_and_clipped_boxes_outlive_a_retry(tmp_path: Path) -> None:
    data = boxes_of(6, 2)
    for image in data["images"]:
        del image["width"]
    data["annotations"][0]["bbox"] = [30, 20, 30, 30]
    data["annotations"][1]["bbox"] = [3000, 20, 30, 30]
    job = make_job(tmp_path, data)
    at_once = replace(job, out=tmp_path / "at_once.json")
    tally = annotate(at_once).tally
    (photos(job) / "5.png").rename(tmp_path / "5.png")
    annotate(job)
    (tmp_path / "5.png").rename(photos(job) / "5.png")
    assert annotate(job).tally == tally
    for name in ("", ".skipped.jsonl"):
        made, wanted = (tmp_path / f"{out}.json{name}" for out in ("out", "at_once"))
        assert made.read_bytes() == wanted.read_bytes()


def test_a_compressed_output_is_completed_too(tmp_path: Path) -> None:
    job = make_job(tmp_path, out=tmp_path / "out.json.gz")
    whole = replace(job, out=tmp_path / "whole.json.gz")
    annotate(whole)
    (photos(job) / "1.png").rename(tmp_path / "1.png")
    annotate(job)
    (tmp_path / "1.png").rename(photos(job) / "1.png")
    annotate(job)
    assert job.out.read_bytes() == whole.out.read_bytes()


def test_a_run_with_the_right_folder_mends_one_with_the_wrong_folder(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    whole = bytes_at_once(job)
    (tmp_path / "empty").mkdir()
    assert annotate(replace(job, images=tmp_path / "empty")).predicted == 0
    summary = annotate(job)
    assert (summary.predicted, summary.reused, summary.other_images) == (12, 0, False)
    assert job.out.read_bytes() == whole


def test_what_a_network_was_told_without_images_does_not_bind(tmp_path: Path) -> None:
    job = window_job(tmp_path)
    whole = bytes_at_once(job)
    (tmp_path / "empty").mkdir()
    annotate(replace(job, images=tmp_path / "empty", tightness=0.2))
    annotate(job)
    assert job.out.read_bytes() == whole


def test_masks_that_were_made_stay_though_their_images_are_elsewhere(tmp_path: Path) -> None:
    job = make_job(tmp_path, boxes_of(4, 3))
    whole = bytes_at_once(job)
    other = tmp_path / "other"
    other.mkdir()
    (photos(job) / "2.png").rename(other / "2.png")
    annotate(job)
    summary = annotate(replace(job, images=other))
    assert summary.tally.skipped == 0 and summary.other_images
    assert job.out.read_bytes() == whole


def test_an_image_that_turns_up_before_the_end_of_a_stopped_run_is_used(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    whole = bytes_at_once(job)
    (photos(job) / "0.png").rename(tmp_path / "0.png")
    with pytest.raises(InputError, match="image missing"):
        annotate(replace(job, strict=True))
    (tmp_path / "0.png").rename(photos(job) / "0.png")
    annotate(replace(job, strict=True))
    assert job.out.read_bytes() == whole


def test_exports_follow_a_retry(tmp_path: Path) -> None:
    job = make_job(tmp_path, exports={"yolo": tmp_path / "yolo"})
    (photos(job) / "1.png").rename(tmp_path / "1.png")
    annotate(job)
    labels = list((tmp_path / "yolo").rglob("1.txt"))
    before = [path.read_text() for path in labels]
    (tmp_path / "1.png").rename(photos(job) / "1.png")
    annotate(job)
    after = [path.read_text() for path in (tmp_path / "yolo").rglob("1.txt")]
    assert not any(before) and all(after) and after


def test_a_dry_run_counts_what_would_be_tried_again(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    (photos(job) / "1.png").rename(tmp_path / "1.png")
    annotate(job)
    assert estimate(job, silent).finished_boxes == 12
    (tmp_path / "1.png").rename(photos(job) / "1.png")
    assert estimate(job, silent).finished_boxes < 12
    assert not WorkFolder(job.out).path.exists()


def test_other_settings_are_refused_as_soon_as_there_is_a_mask(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    (photos(job) / "1.png").unlink()
    annotate(job)
    with pytest.raises(RunError, match="--polygons: was false, now true"):
        annotate(replace(job, polygons=True))


def test_after_success_one_small_file_is_left(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    before = set(tmp_path.iterdir())
    annotate(job)
    assert set(tmp_path.iterdir()) - before == {job.out, WorkFolder(job.out).plan}
    assert WorkFolder(job.out).plan.stat().st_size < 4000
    assert annotate(job).already_done
    assert set(tmp_path.iterdir()) - before == {job.out, WorkFolder(job.out).plan}
    assert json.loads(WorkFolder(job.out).plan.read_text())["outputs"].keys() == {job.out.name}


def test_the_log_is_there_only_if_something_was_skipped(tmp_path: Path) -> None:
    data = boxes_of(2, 2)
    data["annotations"][0]["bbox"] = None
    job = make_job(tmp_path, data)
    annotate(job)
    lines = WorkFolder(job.out).log.read_text().splitlines()
    assert [json.loads(line)["reason"] for line in lines] == ["box is missing"]
    assert annotate(job).already_done and len(output(job)["annotations"]) == 4
