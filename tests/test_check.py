"""The conservation law: outputs that keep it, and outputs with exactly one thing wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from check_files import BOX, HEIGHT, OK, WIDTH, Json, after, before, checked, filled

from boxmask.errors import InputError


def test_the_law_holds_and_every_annotation_is_counted(tmp_path: Path) -> None:
    report = checked(tmp_path, before(), after())
    assert report.holds and report.first == []
    assert report.annotations == 5
    assert report.statuses == {"ok": 2, "kept": 1, "crowd": 1, "skipped": 1}
    assert report.reasons == {"image missing": 1}


def test_spaces_order_of_members_and_spelling_of_texts_do_not_matter(tmp_path: Path) -> None:
    theirs = dict(reversed(after().items()))
    report = checked(tmp_path, before(), json.dumps(theirs, indent=3, ensure_ascii=False))
    assert report.holds, report.first


def test_numbers_that_a_strict_parser_refuses_are_compared_as_well(tmp_path: Path) -> None:
    ours, theirs = before(), after()
    for data in (ours, theirs):
        data["annotations"][0]["weight"] = float("nan")
        data["annotations"][1]["half"] = "\ud800"
    assert checked(tmp_path, ours, theirs).holds
    theirs["annotations"][0]["weight"] = float("inf")
    assert checked(tmp_path, ours, theirs).broken == 1


def updated(place: int, **values: Any) -> Callable[[Json], object]:
    return lambda out: out["annotations"][place].update(values)


LOOSE = {**OK, "tightness": 0.1}
GAVE_WAY = {**OK, "box": [6, 5, 10, 5], "given_box": BOX}
BREAKS: dict[str, tuple[Callable[[Json], object], str]] = {
    "one is gone": (lambda out: out["annotations"].pop(3), "(id 4): is missing"),
    "one is there twice": (
        lambda out: out["annotations"].append(out["annotations"][0]),
        "annotations[5] of the output (id 'one')",
    ),
    "two changed places": (
        lambda out: out["annotations"].insert(0, out["annotations"].pop(1)),
        "(id 0): is not where it was",
    ),
    "an id has another type": (updated(1, id="0"), "(id 0): is missing"),
    "an id is written otherwise": (updated(1, id=0.0), '"id" was 0 and is 0.0'),
    "a number is written otherwise": (
        updated(0, bbox=[5.0, 4, 20, 10]),
        '"bbox" was [5, 4, 20, 10] and is [5.0, 4, 20, 10]',
    ),
    "a key is gone": (lambda out: out["annotations"][0].pop("note"), '"note" is missing'),
    "a key is new": (updated(2, score=1), '"score" was added'),
    "a mask that was there changed": (updated(1, segmentation=[]), "had a mask already"),
    "the area of a mask that was there changed": (updated(1, area=12), "had a mask already"),
    "a crowd changed": (updated(2, area=80, boxmask=OK), "is a crowd"),
    "a skipped one changed": (updated(3, segmentation=None), "was skipped, but"),
    "a skipped one lost its area": (updated(3, area=0), 'was skipped, but its "area" differs'),
    "a skipped one got the empty mask of another image": (
        updated(3, segmentation={"size": [1, 1], "counts": "1"}, area=0),
        'was skipped, but its "segmentation" differs',
    ),
    "a skipped one got a mask": (
        updated(3, segmentation=filled(6, 5, 10, 5), area=50),
        'was skipped, but its "segmentation" differs',
    ),
    "no reason is given": (updated(3, boxmask={"status": "skipped"}), "without a reason"),
    "neither mask nor reason": (lambda out: out["annotations"][3].pop("boxmask"), "neither"),
    "an unknown status": (updated(0, boxmask={"status": "fine"}), "the status 'fine'"),
    "something else under our key": (updated(0, boxmask=[1]), "no result"),
    "an impossible quality": (updated(0, boxmask={**OK, "predicted_iou": 1.2}), "is 1.2"),
    "no quality": (updated(0, boxmask={"status": "ok"}), "is None"),
    "a tight box that is loose": (updated(0, boxmask={**OK, "box": BOX}), '"box" is not the tight'),
    "a tight box in fractions": (
        updated(0, boxmask={**OK, "box": [6.0, 5, 10, 5]}),
        '"box" is not',
    ),
    "a bbox that gave way to another than the tight one": (
        updated(0, boxmask=GAVE_WAY),
        '"bbox" is not the tight box',
    ),
    "a given box that was not given": (
        updated(0, bbox=[6, 5, 10, 5], boxmask={**GAVE_WAY, "given_box": [5, 4, 20, 10.0]}),
        '"bbox" was [5, 4, 20, 10] and is [5, 4, 20, 10.0]',
    ),
    "a tight bbox without the given one": (updated(0, bbox=[6, 5, 10, 5]), '"bbox" was'),
    "a given box of one that was skipped": (
        updated(
            3, bbox=[6, 5, 10, 5], boxmask={"status": "skipped", "reason": "x", "given_box": BOX}
        ),
        '"bbox" was',
    ),
    "no mask": (updated(0, segmentation=None), "segmentation"),
    "an empty mask": (updated(0, segmentation=filled(0, 0, 0, 0), area=0), "is empty"),
    "a mask left of its box": (updated(0, segmentation=filled(4, 5, 10, 5)), "leaves its box"),
    "a mask below its box": (updated(0, segmentation=filled(6, 10, 10, 5)), "leaves its box"),
    "a mask that left a box said to be exact": (
        updated(0, segmentation=filled(26, 5, 10, 5), area=50, boxmask={**OK, "tightness": 0}),
        "leaves its box",
    ),
    "a tightness that cannot be": (updated(0, boxmask={**OK, "tightness": 0.6}), "no result"),
    "an area of the box": (updated(0, area=200), "is not the number"),
    "an area that is none": (updated(0, area="50"), "is not the number"),
    "a mask of another size": (
        lambda out: out["annotations"][0]["segmentation"].update(size=[WIDTH, HEIGHT]),
        "40 x 30 (height x width), its image 30 x 40",
    ),
    "runs that end early": (
        updated(0, segmentation={"size": [HEIGHT, WIDTH], "counts": "05"}),
        "not those of its image",
    ),
    "runs that are broken": (
        updated(0, segmentation={"size": [HEIGHT, WIDTH], "counts": "5P"}),
        "broken",
    ),
    "a polygon of two points": (updated(0, segmentation=[[1, 2, 3, 4]]), "polygon 0"),
    "the info changed": (lambda out: out["info"].update(year=2020), '"info" was'),
    "an image changed": (
        lambda out: out["images"][0].update(width=39),
        '"images"[0]: "width" was 40 and is 39',
    ),
    "an image more": (lambda out: out["images"].append(None), '"images"[1] was absent and is null'),
    "the categories are gone": (lambda out: out.pop("categories"), '"categories" is missing'),
    "a member is new": (lambda out: out.update(version=1), '"version" was added'),
}


@pytest.mark.parametrize("name", BREAKS)
def test_one_thing_wrong_is_found_and_named(tmp_path: Path, name: str) -> None:
    harm, text = BREAKS[name]
    theirs = after()
    harm(theirs)
    report = checked(tmp_path, before(), theirs)
    assert not report.holds
    assert any(text in line for line in report.first), report.first
    assert report.broken == 1 or name == "an id has another type", report.first


def test_the_tight_box_of_its_mask_may_take_the_place_of_a_bbox(tmp_path: Path) -> None:
    theirs = after()
    theirs["annotations"][0].update(bbox=[6, 5, 10, 5], boxmask=GAVE_WAY)
    report = checked(tmp_path, before(), theirs)
    assert report.holds, report.first


@pytest.mark.parametrize("x", [4, 5, 26, 33, 34])
def test_a_mask_may_leave_a_box_that_is_said_to_be_loose(tmp_path: Path, x: int) -> None:
    ours, theirs = before(), after()
    for data in (ours, theirs):
        data["annotations"][0]["bbox"] = [15, 4, 10, 10]
    note = {**LOOSE, "box": [x, 5, 2, 5]}
    theirs["annotations"][0].update(segmentation=filled(x, 5, 2, 5), area=10, boxmask=note)
    report = checked(tmp_path, ours, theirs)
    assert report.holds is (5 <= x <= 33), report.first


def test_a_skipped_one_may_say_that_it_has_no_mask(tmp_path: Path) -> None:
    theirs = after()
    theirs["annotations"][3].update(segmentation=filled(0, 0, 0, 0), area=0)
    assert checked(tmp_path, before(), theirs).holds
    theirs["annotations"][3].update(area=200)
    assert 'its "area" differs' in checked(tmp_path, before(), theirs).first[0]


@pytest.mark.parametrize(("key", "value"), [("iscrowd", 0), ("category_id", None)])
def test_a_key_that_readers_ask_for_may_be_added_if_it_says_nothing(
    tmp_path: Path, key: str, value: int | None
) -> None:
    ours, theirs = before(), after()
    del ours["annotations"][0][key]
    theirs["annotations"][0][key] = value
    assert checked(tmp_path, ours, theirs).holds
    theirs["annotations"][0][key] = 1
    assert f'"{key}" was added' in checked(tmp_path, ours, theirs).first[0]


def test_polygons_and_open_runs_are_masks_too(tmp_path: Path) -> None:
    theirs = after()
    theirs["annotations"][0].update(segmentation=[[6, 5, 16, 5, 16, 10, 6, 10]])
    theirs["annotations"][4].update(
        segmentation={"size": [HEIGHT, WIDTH], "counts": [920, 10, 270]}, area=10
    )
    assert checked(tmp_path, before(), theirs).holds


def test_overwriting_a_mask_that_was_there_is_no_breach(tmp_path: Path) -> None:
    theirs = after()
    theirs["annotations"][1].update(segmentation=filled(6, 5, 10, 5), area=50, boxmask=OK)
    report = checked(tmp_path, before(), theirs)
    assert report.holds and report.statuses["ok"] == 3


def test_an_output_that_is_annotated_again_keeps_what_it_has(tmp_path: Path) -> None:
    report = checked(tmp_path, after(), after())
    assert report.holds, report.first
    assert report.statuses == {"kept": 3, "crowd": 1, "skipped": 1}


def test_only_the_first_are_named_and_all_are_counted(tmp_path: Path) -> None:
    theirs = after()
    for record in theirs["annotations"]:
        record["new"] = 1
    report = checked(tmp_path, before(), theirs, shown=2)
    assert report.broken == 5 and len(report.first) == 2
    assert "annotations[0] (id 'one')" in report.first[0]


def test_an_annotation_without_an_image_is_compared_too(tmp_path: Path) -> None:
    ours, theirs = before(), after()
    for data in (ours, theirs):
        data["annotations"][3]["image_id"] = 99
    assert checked(tmp_path, ours, theirs).holds
    theirs["annotations"][3].update(segmentation=filled(6, 5, 10, 5), area=50, boxmask=OK)
    report = checked(tmp_path, ours, theirs)
    assert report.broken == 1 and "size of its image is unknown" in report.first[0]


def test_sizes_that_the_run_found_out_are_part_of_the_form(tmp_path: Path) -> None:
    ours = before()
    del ours["images"][0]["width"], ours["images"][0]["height"]
    assert checked(tmp_path, ours, after()).holds


def test_an_empty_dataset_holds(tmp_path: Path) -> None:
    empty: Json = {"images": [], "annotations": [], "categories": []}
    assert checked(tmp_path, empty, empty).holds


def test_a_file_that_is_no_output_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"out\.json: there is no \"images\""):
        checked(tmp_path, before(), "{}")


def test_lists_in_lists_without_end_end_with_a_verdict_or_an_error_of_ours(tmp_path: Path) -> None:
    drawn = {"id": 9, "image_id": 7, "category_id": 1, "boxmask": {"status": "drawn"}}
    texts = [
        json.dumps(after()).replace('"categories": [', '"categories": ["DEEP", '),
        json.dumps(after()).replace('{"year": 2020.0}', '"DEEP"'),
    ]
    for key in ("id", "image_id", "category_id"):
        theirs = after()
        theirs["annotations"].append(drawn | {key: "DEEP"})
        texts.append(json.dumps(theirs))
    for depth in range(900, 1000, 4):
        for text in texts:
            try:
                report = checked(
                    tmp_path, before(), text.replace('"DEEP"', depth * "[" + depth * "]")
                )
            except InputError as error:
                assert "deep" in str(error)
            else:
                assert not report.holds
