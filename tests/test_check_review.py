"""What a review has rejected, corrected or drawn: allowed if it says so, and only then."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from check_files import BOX, Json, after, before, checked, filled

CORRECTED = {"status": "corrected", "box": [0, 0, 7, 7]}
DRAWN_MARK = {"status": "drawn", "box": [2, 3, 5, 4]}
DRAWN = {
    "id": 9,
    "image_id": 7,
    "category_id": 1,
    "bbox": [2, 3, 5, 4],
    "segmentation": filled(2, 3, 5, 4),
    "area": 20,
    "boxmask": DRAWN_MARK,
}


def reviewed() -> Json:
    """What a review may make of `check_files.after`: each kind of verdict once."""
    out = after()
    first, kept, _, skipped, last = out["annotations"]
    del first["segmentation"]
    first |= {"area": 200, "boxmask": {"status": "rejected"}}
    kept["boxmask"] = {"status": "kept", "review": "accepted"}
    skipped |= {"segmentation": filled(0, 0, 7, 7), "area": 49, "boxmask": CORRECTED}
    last["boxmask"] = {**last["boxmask"], "review": "to fix"}
    out["annotations"].append(dict(DRAWN))
    return out


def test_every_kind_of_verdict_keeps_the_law(tmp_path: Path) -> None:
    report = checked(tmp_path, before(), reviewed())
    assert report.holds, report.first
    counts = {"rejected": 1, "kept": 1, "crowd": 1, "corrected": 1, "ok": 1, "drawn": 1}
    assert report.statuses == counts


def test_a_reviewed_file_is_unchanged_against_itself(tmp_path: Path) -> None:
    report = checked(tmp_path, reviewed(), reviewed())
    assert report.holds, report.first
    assert report.statuses == {"rejected": 1, "kept": 4, "crowd": 1}


def test_a_category_may_be_drawn_with_its_first_box(tmp_path: Path) -> None:
    out = reviewed()
    out["categories"].append({"id": 2, "name": "new", "boxmask": {"status": "drawn"}})
    out["annotations"][-1]["category_id"] = 2
    assert checked(tmp_path, before(), out).holds
    del out["categories"][-1]["boxmask"]
    assert '"categories"[1]' in checked(tmp_path, before(), out).first[0]


def test_a_box_that_had_given_way_is_back_without_its_mask(tmp_path: Path) -> None:
    ours, out = before(), reviewed()
    ours["annotations"][0] |= {"bbox": [6, 5, 10, 5], "boxmask": {"given_box": BOX}}
    report = checked(tmp_path, ours, out)
    assert report.holds, report.first


def updated(place: int, **values: Any) -> Callable[[Json], object]:
    return lambda out: out["annotations"][place].update(values)


BREAKS: dict[str, tuple[Callable[[Json], object], str]] = {
    "a rejected mask is there": (updated(0, segmentation=filled(6, 5, 1, 1)), "still has a mask"),
    "a rejected one lost a key": (lambda out: out["annotations"][0].pop("note"), '"note"'),
    "a rejected one has another box": (updated(0, bbox=[1, 1, 2, 2]), '"bbox" was'),
    "an accepted mask of the input changed": (updated(1, area=9), "had a mask already"),
    "a corrected mask is of another size": (
        updated(3, segmentation={"size": [3, 3], "counts": "09"}),
        "its mask is 3 x 3",
    ),
    "a corrected mask is empty": (updated(3, segmentation=filled(0, 0, 0, 0), area=0), "empty"),
    "a corrected mask has another area": (updated(3, area=48), '"area" is not'),
    "a corrected mask has another box": (
        updated(3, boxmask={**CORRECTED, "box": [0, 0, 8, 7]}),
        '"box" is not',
    ),
    "a drawn one has the id of another": (updated(5, id=5), "not its own"),
    "a drawn one is on no image": (updated(5, image_id=8), "on image 8"),
    "a drawn one is of no category": (updated(5, category_id=3), "category 3"),
    "a drawn one has no mask": (updated(5, segmentation=[]), "segmentation is empty"),
    "a drawn one has another box": (updated(5, boxmask={**DRAWN_MARK, "box": BOX}), '"box" is'),
    "an added one was not drawn": (updated(5, boxmask={"status": "ok"}), "is not in the input"),
    "a crowd was corrected": (updated(2, boxmask=CORRECTED), "is a crowd"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_breaks_the_law_is_named(name: str, tmp_path: Path) -> None:
    change, message = BREAKS[name]
    out = reviewed()
    change(out)
    report = checked(tmp_path, before(), out)
    assert report.broken == 1 and message in report.first[0], report.first
