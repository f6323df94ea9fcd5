"""An output that completes a file: nothing is touched, and what was proposed is lawful."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from check_files import BOX, HEIGHT, WIDTH, Json, after, before, filled
from PIL import Image
from review_files import Review
from typer.testing import CliRunner

from boxmask.check import CheckReport, check
from boxmask.cli import app
from boxmask.data import read
from boxmask.data.raw.document import open_document
from boxmask.data.raw.edits import appended, edited
from boxmask.review.apply import apply_verdicts

PROPOSED = {
    "id": "boxmask-1",
    "image_id": 7,
    "category_id": 1,
    "bbox": BOX,
    "score": 0.6,
    "proposed": True,
    "segmentation": filled(6, 5, 10, 5),
    "area": 50,
    "boxmask": {"status": "ok", "predicted_iou": 0.9, "box": [6, 5, 10, 5]},
}
ALONE = "out.json.proposed.json"


def proposals() -> list[Json]:
    """Two records as detect proposes them; one box could not be used."""
    skipped = {key: PROPOSED[key] for key in ("image_id", "category_id", "bbox", "score")}
    told = {"status": "skipped", "reason": "image missing"}
    skipped |= {"id": "boxmask-2", "proposed": True, "area": 200, "boxmask": told}
    return [json.loads(json.dumps(PROPOSED)), skipped]


def write(folder: Path, new: list[Json], data: Json | None = None) -> None:
    """Write in.json, spaced as people do, and out.json with more annotations."""
    (folder / "in.json").write_text(json.dumps(before() if data is None else data, indent=1))
    document = open_document(folder / "in.json")
    records = [json.dumps(record).encode() for record in new]
    pieces = edited(document, list(appended(document, "annotations", records)))
    (folder / "out.json").write_bytes(b"".join(pieces))


def write_alone(folder: Path, new: list[Json], **more: Any) -> None:
    """Write the file of the proposals that lies beside."""
    (folder / ALONE).write_text(json.dumps(before() | {"annotations": new} | more))


def checked(folder: Path) -> CheckReport:
    return check(read(folder / "in.json"), folder / "out.json")


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "out.json"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("alone", [False, True])
def test_what_was_proposed_is_counted_and_nothing_is_touched(tmp_path: Path, alone: bool) -> None:
    write(tmp_path, proposals())
    if alone:
        write_alone(tmp_path, proposals())
    report = checked(tmp_path)
    assert report.holds and report.untouched, report.first
    assert report.statuses == {"left": 5, "proposed": 1, "skipped": 1}
    assert report.reasons == {"image missing": 1}


def test_a_file_that_lacked_nothing_is_told_by_the_proposals_beside_it(tmp_path: Path) -> None:
    write(tmp_path, [])
    assert not checked(tmp_path).holds  # nothing says that it was not to be annotated
    write_alone(tmp_path, [])
    report = checked(tmp_path)
    assert report.holds and report.statuses == {"left": 5}
    edit(tmp_path, "2020.0", "2020")
    assert not checked(tmp_path).holds


def test_sizes_that_the_input_lacks_are_those_of_the_proposals(tmp_path: Path) -> None:
    data = before()
    del data["images"][0]["width"], data["annotations"][1:]
    write(tmp_path, proposals(), data)
    assert "the size of its image is unknown" in checked(tmp_path).first[0]
    write_alone(tmp_path, proposals())
    assert checked(tmp_path).holds


def test_a_packed_input_is_held_against_what_it_holds(tmp_path: Path) -> None:
    write(tmp_path, proposals())
    packed = tmp_path / "in.json.gz"
    packed.write_bytes(gzip.compress((tmp_path / "in.json").read_bytes()))
    assert check(read(packed), tmp_path / "out.json").untouched


TOUCHED: dict[str, tuple[tuple[str, str], str]] = {
    "a number is written otherwise": (("30.5", "30.50"), 'annotations[4] (id 5): "bbox" was'),
    "a key beside": (("2020.0", "2021.0"), '"info" was'),
    "a category": (('"thing"', '"think"'), '"categories"[0]: "name" was "thing" and is "think"'),
    "a space": (('"year": 2020.0', '"year":2020.0'), "byte 22 was ' 2020.0"),
    "the end": (("\n}", "\n} "), "was '' and is ' '"),
}  # fmt: skip


@pytest.mark.parametrize("name", TOUCHED)
def test_what_was_touched_is_named(name: str, tmp_path: Path) -> None:
    (old, new), said = TOUCHED[name]
    write(tmp_path, proposals())
    text = (tmp_path / "out.json").read_text()
    at = text.rindex(old)
    (tmp_path / "out.json").write_text(text[:at] + new + text[at + len(old) :])
    report = checked(tmp_path)
    assert report.broken == 1 and said in report.first[0], report.first


def test_a_byte_order_mark_that_is_gone_is_named(tmp_path: Path) -> None:
    write(tmp_path, proposals())
    (tmp_path / "in.json").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "in.json").read_bytes())
    assert "the byte order mark was" in checked(tmp_path).first[0]


def test_what_was_proposed_stands_behind(tmp_path: Path) -> None:
    write(tmp_path, [])
    edit(tmp_path, '"annotations": [', '"annotations": [' + json.dumps(PROPOSED) + ",")
    (problem,) = checked(tmp_path).first
    assert problem.startswith(f"{tmp_path / 'out.json'}: byte ") and "boxmask-1" in problem


def updated(place: int, **values: Any) -> Callable[[list[Json]], object]:
    return lambda new: new[place].update(values)


BREAKS: dict[str, tuple[Callable[[list[Json]], object], str]] = {
    "the id of another": (updated(0, id=5), "was proposed, but its id 5 is not its own"),
    "an id twice": (updated(0, id="boxmask-2"), "its id 'boxmask-2' is not its own"),
    "no id": (lambda new: new[0].pop("id"), "was proposed, but has no id"),
    "no such image": (updated(0, image_id=8), "was proposed on image 8, which there is not"),
    "no such category": (updated(0, category_id=3), "was proposed as category 3"),
    "no category": (updated(0, category_id=None), "was proposed as category None"),
    "a score above 1": (updated(0, score=1.5), "its score is 1.5, not within 0 and 1"),
    "no score": (lambda new: new[0].pop("score"), "its score is null"),
    "no box": (updated(0, bbox=[1, 2, 3]), "has a mask, but its box cannot be used"),
    "another box": (updated(0, bbox=[5, 4, 8, 10]), "its mask leaves its box"),
    "a mask of another image": (
        updated(0, segmentation={"size": [3, 3], "counts": "09"}),
        "its mask is 3 x 3 (height x width), its image 30 x 40",
    ),
    "no mask": (updated(0, segmentation=[]), "segmentation is empty"),
    "another area": (updated(0, area=49), '"area" is not the number'),
    "an odd IoU": (updated(0, boxmask={"status": "ok", "predicted_iou": 2}), "the predicted IoU"),
    "no mark": (lambda new: new[0].pop("boxmask"), '"boxmask" is missing'),
    "skipped with a mask": (updated(1, segmentation=filled(6, 5, 1, 1)), "was skipped, but its"),
    "not proposed": (lambda new: new[0].pop("proposed"), "is not in the input"),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_what_no_detector_proposes_is_named(name: str, tmp_path: Path) -> None:
    change, said = BREAKS[name]
    new = proposals()
    change(new)
    write(tmp_path, new)
    report = checked(tmp_path)
    assert any(said in problem for problem in report.first), report.first
    assert report.broken == (2 if name == "an id twice" else 1), report.first


def test_proposals_are_those_of_the_file_beside(tmp_path: Path) -> None:
    first, second = proposals()
    other = first | {"score": 0.61}
    write(tmp_path, [first, first | {"id": "boxmask-3"}])
    write_alone(tmp_path, [other, second])
    found = "\n".join(checked(tmp_path).first)
    assert f"(id 'boxmask-1'): is another in {tmp_path / ALONE}" in found
    assert f"(id 'boxmask-3'): is not in {tmp_path / ALONE}" in found
    assert f"{tmp_path / ALONE}, id 'boxmask-2': is missing from the output" in found


def test_a_review_may_come_over_it(tmp_path: Path) -> None:
    first, second = proposals()
    rejected = {key: value for key, value in first.items() if key != "segmentation"}
    rejected |= {"id": "boxmask-3", "boxmask": {"status": "rejected"}}
    first["boxmask"]["review"] = "accepted"
    write(tmp_path, [first, second, rejected])
    report = checked(tmp_path)
    assert report.holds and report.untouched
    edit(tmp_path, '"annotations": [', '"annotations":[')
    assert checked(tmp_path).holds  # records may have been written anew, with the same values
    edit(tmp_path, "30.5", "30.25")
    report = checked(tmp_path)
    assert report.broken == 1 and "annotations[4] (id 5)" in report.first[0]
    assert report.statuses == {"left": 5, "proposed": 1, "skipped": 1, "rejected": 1}


def test_a_completed_file_may_be_annotated_too(tmp_path: Path) -> None:
    write(tmp_path, proposals())
    masked = after()["annotations"]
    out = json.loads((tmp_path / "out.json").read_text())
    out["annotations"][:5] = masked
    (tmp_path / "out.json").write_text(json.dumps(out))
    report = checked(tmp_path)
    assert report.holds and not report.untouched, report.first
    counts = {"ok": 2, "left": 2, "skipped": 2, "proposed": 1}  # one had a mask, one is a crowd
    assert report.statuses == counts
    masked[0]["segmentation"] = filled(30, 20, 10, 5)
    (tmp_path / "out.json").write_text(json.dumps(out))
    assert "its mask leaves its box" in checked(tmp_path).first[0]


def test_what_a_review_writes_keeps_the_law(tmp_path: Path) -> None:
    others = [{**PROPOSED, "id": f"boxmask-{k}"} for k in (3, 4)]
    write(tmp_path, [*proposals(), *others])
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "a.jpg")
    review = Review(tmp_path / "out.json", tmp_path)
    review.judge(5, "accept")
    review.judge(7, "reject")
    review.correct(8, filled(0, 0, 7, 7))
    review.judge(1, "fix")  # one of the input's own
    review.draw(0, filled(30, 2, 4, 5), "thing")
    review.end()
    verdicts = tmp_path / "verdicts.jsonl"
    apply_verdicts(tmp_path / "out.json", tmp_path, verdicts, tmp_path / "reviewed.json")
    report = check(read(tmp_path / "in.json"), tmp_path / "reviewed.json")
    assert report.holds and not report.untouched, report.first
    counts = {"left": 4, "kept": 1, "proposed": 1, "skipped": 1}
    assert report.statuses == counts | {"rejected": 1, "corrected": 1, "drawn": 1}


def test_the_command_says_what_was_proposed(tmp_path: Path) -> None:
    write(tmp_path, proposals())
    words = ["check", str(tmp_path / "in.json"), str(tmp_path / "out.json")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0 and "        1 proposed\n" in done.stdout
    assert "Every byte of the input is as it was" in done.stdout
    assert json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)["untouched"] is True
