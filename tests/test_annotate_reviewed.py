"""A reviewed file annotated or evaluated again: what a person took away stays away."""

import json
from pathlib import Path

import pytest
from check_files import before
from test_check_review import reviewed

from boxmask.annotate.begin import begin
from boxmask.annotate.events import Event
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.workload import initial_status
from boxmask.check import check
from boxmask.data import read
from boxmask.errors import RunError
from boxmask.evaluate.reading import read_masks
from boxmask.mark import Status
from boxmask.subset import Subset


def statuses(path: Path, *, overwrite: bool) -> list[Status]:
    codes = initial_status(read(path), overwrite=overwrite, rectangles="auto", subset=Subset())
    return [list(Status)[code] for code in codes]


def test_rejected_ones_are_left_alone_unless_all_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "new.json"
    path.write_text(json.dumps(reviewed()))
    kept = [Status.KEPT] * 3
    assert statuses(path, overwrite=False) == [Status.REJECTED, Status.KEPT, Status.CROWD, *kept]
    anew = [Status.OK] * 3
    assert statuses(path, overwrite=True) == [Status.OK, Status.OK, Status.CROWD, *anew]


def test_a_mark_is_read_beside_what_a_strict_parser_refuses(tmp_path: Path) -> None:
    path, out = tmp_path / "new.json", reviewed()
    out["annotations"][0]["weight"] = float("nan")
    path.write_text(json.dumps(out))
    assert statuses(path, overwrite=False)[0] is Status.REJECTED


def test_what_has_a_mask_again_is_not_rejected(tmp_path: Path) -> None:
    path, out = tmp_path / "new.json", reviewed()
    out["annotations"][0]["segmentation"] = out["annotations"][4]["segmentation"]
    path.write_text(json.dumps(out))
    assert statuses(path, overwrite=False)[0] is Status.KEPT


def test_evaluation_tells_rejected_ones_from_those_without_a_mask(tmp_path: Path) -> None:
    path = tmp_path / "new.json"
    path.write_text(json.dumps(reviewed()))
    reasons = read_masks(path).skip_reasons
    assert reasons[0] == "rejected in a review" and set(reasons[1:]) == {""}


def test_the_law_is_checked_against_the_first_input_as_well(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text(json.dumps(before()))
    (tmp_path / "new.json").write_text(json.dumps(reviewed()))
    assert check(read(tmp_path / "in.json"), tmp_path / "new.json").holds


def test_a_reviewed_file_is_not_written_over_and_that_is_told_before_any_work(
    tmp_path: Path,
) -> None:
    boxes, out = tmp_path / "in.json", tmp_path / "new.json"
    boxes.write_text(json.dumps(before()))
    out.write_text(json.dumps(reviewed()))
    events: list[Event] = []
    with pytest.raises(RunError, match="is there already, and not of this run"):
        begin(AnnotateJob(boxes=boxes, images=tmp_path, out=out), events.append)
    assert events == [] and json.loads(out.read_text()) == reviewed()
