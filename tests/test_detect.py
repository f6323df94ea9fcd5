"""Photographs in, boxes and masks out, with the laws of annotate."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from annotation_files import write_photo, write_weights
from detection_files import detect, make_detection
from flaky_store import Flaky
from PIL import Image

from boxmask import check
from boxmask.detect import find, parts, run
from boxmask.detect.found import Found
from boxmask.detect.job import detect_job
from boxmask.detect.parts import Parts
from boxmask.errors import BoxmaskError, ConfigError, InputError, RunError, WeightsError
from boxmask.remote import Url


def content(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_photographs_get_boxes_scores_and_masks(tmp_path: Path) -> None:
    job = make_detection(tmp_path)
    detected = detect(job)
    out = content(job.out)
    assert out["categories"] == [{"id": 7, "name": "cat"}, {"id": 3, "name": "dog"}]
    assert [one["file_name"] for one in out["images"]] == ["0.png", "1.png", "2.png", "3.png"]
    assert [one["width"] for one in out["images"]] == [40, 41, 42, 43]
    rows = out["annotations"]
    assert [one["id"] for one in rows] == list(range(1, len(rows) + 1))
    assert 0 < len(rows) == detected.found.boxes <= 12
    assert all(one["segmentation"]["counts"] and 0 <= one["score"] <= 1 for one in rows)
    for image in (1, 2, 3, 4):
        scores = [one["score"] for one in rows if one["image_id"] == image]
        assert scores == sorted(scores, reverse=True)
    sizes = {one["id"]: (one["width"], one["height"]) for one in out["images"]}
    for one in rows:
        x, y, w, h = one["bbox"]
        width, height = sizes[one["image_id"]]
        assert x >= 0 and y >= 0 and x + w <= width + 0.01 and y + h <= height + 0.01
    assert check(job.boxes, job.out).holds
    assert not detected.shortage
    assert not job.work.exists()


def test_weak_boxes_are_left_out(tmp_path: Path) -> None:
    everything = detect(make_detection(tmp_path / "all")).found.boxes
    scores = sorted(one["score"] for one in content(tmp_path / "all/out.json")["annotations"])
    middle = scores[len(scores) // 2]
    fewer = detect(make_detection(tmp_path / "some", min_score=middle)).found.boxes
    assert fewer == sum(score >= middle for score in scores) < everything


def test_a_finished_detection_is_not_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_detection(tmp_path)
    first = detect(job)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    monkeypatch.setattr(find, "find_boxes", None)
    again = detect(job)
    assert again.found == first.found
    assert again.masks.already_done
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == before


def test_a_killed_detection_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "SIZE", 1)
    whole = make_detection(tmp_path / "whole")
    detect(whole)
    job = make_detection(tmp_path / "killed")
    really, calls = find.find_boxes, []

    def killed_at_the_third(*arguments: Any) -> Iterator[Found]:
        calls.append(list(arguments[2]))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return really(*arguments)

    monkeypatch.setattr(find, "find_boxes", killed_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        detect(job)
    assert not job.out.exists() and not job.boxes.exists()
    detect(job)
    assert calls == [[0], [1], [2], [2], [3]]
    assert job.boxes.read_bytes() == whole.boxes.read_bytes()
    assert job.out.read_bytes() == whole.out.read_bytes()


def test_damaged_or_foreign_parts_are_made_again(tmp_path: Path) -> None:
    made = Parts(tmp_path, {"--most": 1}, photographs=1)
    made.make(lambda places: [Found()], threads=2, on_done=lambda done: None)
    assert made.threads == 2
    other = Parts(tmp_path, {"--most": 2}, photographs=1)
    assert other.threads == 0
    (tmp_path / "part-000000.json").write_bytes(b'{"settings": {"--mo')
    assert made.threads == 0


def test_other_settings_are_an_error_and_fresh_begins_again(tmp_path: Path) -> None:
    detect(make_detection(tmp_path))
    with pytest.raises(RunError, match=r"--most is 2, and was 3\. Give another --out, or --fresh"):
        detect(make_detection(tmp_path, most=2))
    write_photo(tmp_path / "photos" / "new.png")
    with pytest.raises(RunError, match=r"PHOTOS \(names and sizes\) is another"):
        detect(make_detection(tmp_path))
    assert detect(make_detection(tmp_path, most=2, fresh=True)).found.images == 5


@pytest.mark.parametrize("name", ["out.json", "out.json.boxes.json"])
def test_a_file_of_somebody_else_is_never_replaced(tmp_path: Path, name: str) -> None:
    job = make_detection(tmp_path)
    (tmp_path / name).write_text("mine")
    with pytest.raises(BoxmaskError, match="is there already"):
        detect(job)
    assert (tmp_path / name).read_text() == "mine"


def test_boxes_edited_by_hand_are_not_replaced(tmp_path: Path) -> None:
    job = make_detection(tmp_path)
    detect(job)
    job.boxes.write_text(job.boxes.read_text() + " ")
    with pytest.raises(ConfigError, match="not as detect has written it"):
        detect(job)


def test_photographs_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    job = make_detection(tmp_path)
    (tmp_path / "photos" / "1.png").write_bytes(b"")
    detected = detect(job)
    assert detected.found.unusable == {"image empty": ["1.png"]}
    assert detected.skipped_count == 1 and not detected.shortage
    assert 2 not in {one["image_id"] for one in content(job.out)["annotations"]}
    assert len(content(job.out)["images"]) == 4


def test_a_name_that_is_no_text_is_refused_before_anything_is_looked_at(tmp_path: Path) -> None:
    job = make_detection(tmp_path, photos=1)
    broken = os.fsencode(tmp_path / "photos") + b"/\xff.png"
    try:
        Path(os.fsdecode(broken)).write_bytes((tmp_path / "photos" / "0.png").read_bytes())
    except OSError:
        pytest.skip("this file system has no such names")
    with pytest.raises(
        InputError, match=r"photos: the name of the photograph '\\udcff\.png' is not"
    ):
        detect(job)
    assert not job.work.exists()


def test_every_photograph_moves_the_progress(tmp_path: Path) -> None:
    events: list[tuple[int, int]] = []
    job = make_detection(tmp_path)
    run.detect(
        job, lambda one: events.append((one.done, one.total)) if one.stage == run.FIND else None
    )
    assert sorted(set(events)) == [(done, 4) for done in range(5)]


def test_too_many_bad_photographs_or_no_box_at_all_are_no_success(tmp_path: Path) -> None:
    job = make_detection(tmp_path, photos=2)
    (tmp_path / "photos" / "1.png").write_bytes(b"")
    assert "1 of 2 photographs cannot be used: image empty, as 1.png." in detect(job).shortage
    nothing = make_detection(tmp_path / "other", min_score=1.0)
    assert "look lower with --min-score" in detect(nothing).shortage


def test_photographs_are_looked_at_the_right_way_up(tmp_path: Path) -> None:
    job = make_detection(tmp_path, photos=1)
    path = tmp_path / "photos" / "0.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(tmp_path / "photos" / "0.png") as image:
        image.save(path, exif=exif)
    (tmp_path / "photos" / "0.png").unlink()
    detect(job)
    (image_record,) = content(job.out)["images"]
    assert (image_record["width"], image_record["height"]) == (30, 40)


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    job = make_detection(tmp_path)
    plain = write_weights(tmp_path / "photos", family="deepmac", image_size=64)
    with pytest.raises(InputError, match="finds no boxes: it masks those that it is given"):
        detect(make_detection(tmp_path, weights=plain))
    with pytest.raises(InputError, match="no image in this folder"):
        (tmp_path / "none").mkdir()
        detect(replace(job, photos=tmp_path / "none"))
    with pytest.raises(InputError, match=r"detector\.safetensors: a file, no folder; give the one"):
        detect(replace(job, photos=job.weights))
    with pytest.raises(InputError, match="a folder; --complete takes a COCO file"):
        detect(replace(job, complete=tmp_path / "none"))
    with pytest.raises(WeightsError, match="a folder, no weights file"):
        detect(replace(job, weights=tmp_path / "none"))
    wrong: dict[str, Any] = {"min_score": 1.5, "overlap": -0.1, "most": 0}
    for option, value in wrong.items():
        with pytest.raises(ConfigError, match=option.replace("_", "-")):
            make_detection(tmp_path, **{option: value})


def test_exports_that_cannot_be_are_refused_before_anything_is_looked_at(tmp_path: Path) -> None:
    backwards = {"labelme": tmp_path / "labelme"}
    with pytest.raises(ConfigError, match="--labelme puts masks back into LabelMe"):
        detect(make_detection(tmp_path, exports=backwards))
    write_photo(tmp_path / "photos" / "0.jpg")
    with pytest.raises(
        InputError, match=r"'0\.jpg' and '0\.png' would both be written as '0\.txt'"
    ):
        detect(make_detection(tmp_path, exports={"yolo": tmp_path / "yolo"}))
    assert not list(tmp_path.glob("out.json*"))
    (tmp_path / "photos" / "0.jpg").unlink()
    nothing = make_detection(tmp_path, exports={"yolo": tmp_path / "yolo"}, min_score=1.0)
    assert "no box" in detect(nothing).shortage
    assert detect(nothing).masks.already_done


def test_photographs_in_a_bucket_give_what_those_in_a_folder_give(tmp_path: Path) -> None:
    job = make_detection(tmp_path)
    detect(job)
    Flaky.reset()
    for path in sorted((tmp_path / "photos").iterdir()):
        Flaky().pipe_file(f"/photos/{path.name}", path.read_bytes())
    Flaky().pipe_file("/photos/.hidden.png", b"")
    given: dict[str, Any] = {"min_score": 0.0, "most": 3, "device": "cpu", "threads": 1}
    far = detect_job(Url("flaky://photos"), weights=job.weights, out=tmp_path / "far.json", **given)
    assert detect(far).found.images == 4
    assert far.out.read_bytes() == job.out.read_bytes()
    assert detect(far).masks.already_done


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"photos": Url("https://a/b")}, "a web server lists no files"),
        ({"photos": Url("flaky://none")}, "there is no image|cannot be listed"),
        ({"out": Url("s3://b/c.json")}, r"s3://b/c\.json: detect writes on this machine alone"),
        ({"exports": {"results": Url("s3://b/r.json")}}, "detect writes on this machine alone"),
    ],
)
def test_urls_that_detect_cannot_use(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    job = make_detection(tmp_path, photos=1)
    Flaky.reset()
    options: dict[str, Any] = {"photos": tmp_path / "photos", "out": job.out} | given
    with pytest.raises(BoxmaskError, match=message):
        detect(detect_job(options.pop("photos"), weights=job.weights, **options))


def test_a_photograph_is_never_written_over_even_with_fresh(tmp_path: Path) -> None:
    photo = tmp_path / "photos" / "0.png"
    job = make_detection(tmp_path, photos=1, out=photo, fresh=True)
    before = photo.read_bytes()
    with pytest.raises(ConfigError, match="would write over this photograph"):
        detect(job)
    assert photo.read_bytes() == before
