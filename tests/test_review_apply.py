"""What `--apply` writes: the file's own bytes, but for what was judged, and the law holds."""

import gzip
import json
from pathlib import Path

import pytest
from check_files import filled
from review_files import Json, Review, annotated, verdicts_of, write_file

from boxmask.check import check
from boxmask.data import read
from boxmask.errors import ConfigError, InputError
from boxmask.review.apply import Applied, apply_verdicts


def applied(file: Path, name: str = "new.json", *, fresh: bool = False) -> Applied:
    return apply_verdicts(file, file.parent, verdicts_of(file), file.with_name(name), fresh=fresh)


def judge_each(review: Review) -> None:
    """Give each kind of verdict once, and draw a box."""
    review.judge(0, "accept")
    review.judge(1, "reject")
    review.correct(2, filled(18, 9, 11, 12))
    review.judge(3, "fix")
    review.judge(4, "reject")
    review.draw(1, filled(30, 2, 4, 5), "thing")
    review.end()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that was reviewed."""
    path = write_file(tmp_path, annotated())
    judge_each(Review(path, tmp_path))
    return path


def written(file: Path, name: str = "new.json") -> Json:
    content: Json = json.loads(file.with_name(name).read_bytes())
    return content


def test_each_verdict_has_come_into_the_file(file: Path) -> None:
    result = applied(file)
    first, second, third, kept, crowd, drawn = written(file)["annotations"]
    assert first["boxmask"]["review"] == "accepted" and first["boxmask"]["predicted_iou"] == 0.9
    assert second["boxmask"] == {"status": "rejected"}
    assert second["segmentation"] == filled(0, 0, 0, 0) and second["area"] == 0
    assert third["boxmask"] == {"status": "corrected", "box": [18, 9, 11, 12]}
    assert third["segmentation"] == filled(18, 9, 11, 12) and third["area"] == 132
    assert third["bbox"] == [20, 10, 10, 10]
    assert kept["boxmask"] == {"status": "kept", "review": "to fix"}
    assert crowd == annotated()["annotations"][4]
    assert drawn["id"] == 6 and drawn["image_id"] == 8 and drawn["category_id"] == 1
    assert drawn["bbox"] == [30, 2, 4, 5] and drawn["area"] == 20
    assert drawn["boxmask"] == {"status": "drawn", "box": [30, 2, 4, 5]}
    counts = {"accepted": 1, "to fix": 1, "corrected": 1, "rejected": 1, "drawn": 1}
    assert result.counts == counts and result.crowds == 1


def test_check_proves_it_against_the_boxes_that_were_annotated(file: Path, tmp_path: Path) -> None:
    boxes = annotated()
    for record in boxes["annotations"][:3]:
        for key in ("segmentation", "boxmask"):
            del record[key]
    original = tmp_path / "boxes.json"
    original.write_text(json.dumps(boxes))
    applied(file)
    report = check(read(original), file.with_name("new.json"))
    assert report.holds, report.first
    counts = {"ok": 1, "rejected": 1, "corrected": 1, "kept": 1, "crowd": 1, "drawn": 1}
    assert report.statuses == counts
    assert check(read(file), file.with_name("new.json")).holds


def test_everything_else_stays_byte_for_byte(tmp_path: Path) -> None:
    path = write_file(tmp_path, annotated(), indent=3)
    review = Review(path, tmp_path)
    review.judge(1, "reject")
    review.end()
    applied(path)
    before, after = path.read_bytes(), path.with_name("new.json").read_bytes()
    start = before.index(b'"id": 2,')
    start, stop = before.rindex(b"{", 0, start), before.index(b'"id": 3,')
    stop = before.rindex(b"}", 0, stop) + 1
    assert after.startswith(before[:start]) and after.endswith(before[stop:])
    record = json.loads(after[start : len(after) - len(before[stop:])])
    assert record["by"] == 1.5 and record["boxmask"]["status"] == "rejected"


def test_without_verdicts_the_file_is_the_same(tmp_path: Path) -> None:
    path = write_file(tmp_path, annotated())
    Review(path, tmp_path).end()
    applied(path)
    assert path.with_name("new.json").read_bytes() == path.read_bytes()


def test_a_tight_bbox_goes_with_its_mask(tmp_path: Path) -> None:
    content = annotated()
    for record in content["annotations"][1:3]:
        record["boxmask"]["given_box"] = [0, 0, 30.5, 20]
    path = write_file(tmp_path, content)
    judge_each(Review(path, tmp_path))
    applied(path)
    _, rejected, corrected, *_ = written(path)["annotations"]
    assert rejected["bbox"] == [0, 0, 30.5, 20]
    assert corrected["bbox"] == [18, 9, 11, 12]
    assert corrected["boxmask"]["given_box"] == [0, 0, 30.5, 20]
    assert check(read(path), path.with_name("new.json")).holds


def test_ids_that_are_texts_get_no_number_beside_them(tmp_path: Path) -> None:
    content = annotated()
    content["annotations"][0]["id"] = "boxmask-1"
    path = write_file(tmp_path, content)
    judge_each(Review(path, tmp_path))
    applied(path)
    assert written(path)["annotations"][-1]["id"] == "boxmask-2"


def test_a_new_category_is_appended_and_allowed(tmp_path: Path) -> None:
    path = write_file(tmp_path, annotated())
    review = Review(path, tmp_path)
    review.draw(0, filled(3, 3, 2, 2), "new")
    review.end()
    applied(path)
    assert written(path)["categories"][1] == {
        "id": 2,
        "name": "new",
        "boxmask": {"status": "drawn"},
    }
    assert written(path)["annotations"][-1]["category_id"] == 2
    assert check(read(path), path.with_name("new.json")).holds


def test_drawn_on_images_alone_makes_a_dataset(tmp_path: Path) -> None:
    write_file(tmp_path, annotated()).unlink()
    review = Review(None, tmp_path)
    review.draw(1, filled(3, 3, 2, 2), "cat")
    review.end()
    out = tmp_path / "new.json"
    apply_verdicts(None, tmp_path, tmp_path / "verdicts.jsonl", out)
    dataset = read(out)
    assert dataset.file_names[0] == "b.png" and dataset.categories[0].name == "cat"
    assert dataset.has_mask.tolist() == [True] and check(dataset, out).holds


def test_a_correction_that_was_rejected_later_leaves_no_mask(tmp_path: Path) -> None:
    path = write_file(tmp_path, annotated())
    review = Review(path, tmp_path)
    corrected = review.correct(0, filled(18, 9, 11, 12))
    review.judge(0, "reject", mask=corrected)
    review.end()
    assert applied(path).counts["rejected"] == 1
    assert written(path)["annotations"][0]["segmentation"] == filled(0, 0, 0, 0)


def test_what_was_undone_does_not_count(tmp_path: Path) -> None:
    path = write_file(tmp_path, annotated())
    review = Review(path, tmp_path)
    review.judge(0, "accept")
    review.judge(0, "reject")
    review.draw(1, filled(3, 3, 2, 2), "cat")
    for seq in (2, 3):
        review.undo(seq)
    review.end()
    counts = applied(path).counts
    assert counts["accepted"] == 1 and sum(counts.values()) == 1


def test_verdicts_on_masks_that_changed_do_not_count(file: Path) -> None:
    content = annotated()
    content["annotations"][1]["segmentation"] = filled(2, 2, 5, 6)
    file.write_text(json.dumps(content))
    result = applied(file)
    assert result.stale == 1 and result.counts["rejected"] == 0


def test_gzip_goes_in_and_out(file: Path) -> None:
    packed = file.with_name("masks.json.gz")
    packed.write_bytes(gzip.compress(file.read_bytes()))
    out = file.with_name("new.json.gz")
    apply_verdicts(packed, file.parent, verdicts_of(file), out)
    applied(file)
    assert gzip.decompress(out.read_bytes()) == file.with_name("new.json").read_bytes()


def test_only_our_own_file_is_replaced(file: Path) -> None:
    out = file.with_name("new.json")
    out.write_text("mine")
    with pytest.raises(ConfigError, match=r"new\.json is there already"):
        applied(file)
    assert out.read_text() == "mine"
    applied(file, fresh=True)
    applied(file)
    out.write_bytes(out.read_bytes() + b" ")
    with pytest.raises(ConfigError, match="--fresh"):
        applied(file)


@pytest.mark.parametrize("name", ["masks.json", "verdicts.jsonl"])
def test_what_is_read_is_never_written_over(file: Path, name: str) -> None:
    before = file.with_name(name).read_bytes()
    with pytest.raises(ConfigError, match="give the name of a new file"):
        applied(file, name, fresh=True)
    assert file.with_name(name).read_bytes() == before


def test_without_a_verdicts_file_there_is_an_error(tmp_path: Path) -> None:
    path = write_file(tmp_path, annotated())
    with pytest.raises(InputError, match="no such verdicts file"):
        applied(path)
