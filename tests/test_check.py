"""The conservation law: outputs that keep it, and outputs with exactly one thing wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from boxmask.check import Report, check
from boxmask.check.counts import measure
from boxmask.check.pairs import pair, pairing_faults
from boxmask.check.values import same
from boxmask.data import read
from boxmask.errors import InputError

Json = dict[str, Any]
WIDTH, HEIGHT = 40, 30
BOX = [5, 4, 20, 10]


def filled(x: int, y: int, width: int, height: int) -> Json:
    bits = np.zeros((HEIGHT, WIDTH), np.uint8, order="F")
    bits[y : y + height, x : x + width] = 1
    return {"size": [HEIGHT, WIDTH], "counts": coco_mask.encode(bits)["counts"].decode()}


def before() -> Json:
    """An input with one annotation of each fate: ok, kept, crowd, skipped, ok."""
    own = {"image_id": 7, "category_id": 1, "bbox": BOX, "iscrowd": 0, "note": [1.50, "ü"]}
    polygon = [[6, 5, 12, 5, 12, 9]]
    return {
        "info": {"year": 2020.0},
        "images": [{"id": 7, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT}],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": [
            {"id": "one", **own, "area": 200.0},
            {"id": 0, **own, "segmentation": polygon, "area": 12.5},
            {"id": 3, **own, "segmentation": filled(0, 0, 9, 9), "iscrowd": 1, "area": 81},
            {"id": 4, **own, "segmentation": []},
            {"id": 5, **own, "bbox": [30.5, 20.5, 100, 100]},
        ],
    }


def after() -> Json:
    """What a run may make of it."""
    out = before()
    first, _, _, skipped, last = out["annotations"]
    note = {"status": "ok", "predicted_iou": 0.9}
    first.update(segmentation=filled(6, 5, 10, 5), area=50, boxmask=note)
    skipped["boxmask"] = {"status": "skipped", "reason": "image missing"}
    last.update(segmentation=filled(30, 20, 10, 10), area=100, boxmask=note)
    return out


def checked(folder: Path, ours: Json, theirs: Json | str, **options: Any) -> Report:
    (folder / "in.json").write_text(json.dumps(ours))
    text = theirs if isinstance(theirs, str) else json.dumps(theirs)
    (folder / "out.json").write_text(text)
    return check(read(folder / "in.json"), folder / "out.json", **options)


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


OK = {"status": "ok", "predicted_iou": 0.9}
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
    "no reason is given": (updated(3, boxmask={"status": "skipped"}), "without a reason"),
    "neither mask nor reason": (lambda out: out["annotations"][3].pop("boxmask"), "neither"),
    "an unknown status": (updated(0, boxmask={"status": "fine"}), "the status 'fine'"),
    "something else under our key": (updated(0, boxmask=[1]), "no result"),
    "an impossible quality": (updated(0, boxmask={**OK, "predicted_iou": 1.2}), "is 1.2"),
    "no quality": (updated(0, boxmask={"status": "ok"}), "is None"),
    "no mask": (updated(0, segmentation=None), "segmentation"),
    "an empty mask": (updated(0, segmentation=filled(0, 0, 0, 0), area=0), "is empty"),
    "a mask left of its box": (updated(0, segmentation=filled(4, 5, 10, 5)), "leaves its box"),
    "a mask below its box": (updated(0, segmentation=filled(6, 10, 10, 5)), "leaves its box"),
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
    "an image changed": (lambda out: out["images"][0].update(width=39), '"images"[0] differs'),
    "an image more": (lambda out: out["images"].append(None), '"images"[1] differs'),
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


@pytest.mark.parametrize(
    ("ours", "theirs", "equal"),
    [
        (b"1", b" 1 ", True),
        (b"1", b"1.0", False),
        (b"1e2", b"1E2", False),
        (b'"\\u00e9"', '"é"'.encode(), True),
        (b'{"a":1,"b":[true]}', b'{ "b": [true], "a": 1 }', True),
        (b"true", b"1", False),
        (b"1", b'"1"', False),
        (b"[1]", b"1", False),
    ],
)
def test_values_are_the_same_as_written(ours: bytes, theirs: bytes, equal: bool) -> None:
    assert same(ours, theirs) is equal
    assert same(msgspec.Raw(ours), msgspec.Raw(theirs)) is equal
    assert not same(None, theirs) and same(None, None)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=6), st.integers(1, 9))
def test_many_masks_are_measured_as_pycocotools_measures_each(seeds: list[int], side: int) -> None:
    encoded, heights = [], []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        height, width = rng.integers(1, 1 + side**2, 2)
        bits = rng.random((height, width)) < rng.choice([0, 0.01, 0.5, 0.99, 1])
        encoded.append(coco_mask.encode(np.asfortranarray(bits.astype(np.uint8))))
        heights.append(height)
    found = measure([runs["counts"] for runs in encoded], np.array(heights))
    x, y, w, h = coco_mask.toBbox(encoded).astype(int).T
    area = coco_mask.area(encoded)
    assert not found.broken.any()
    assert found.total.tolist() == [runs["size"][0] * runs["size"][1] for runs in encoded]
    assert found.area.tolist() == area.tolist()
    some = area > 0
    assert np.array_equal(found.bounds[some], np.stack([x, y, x + w, y + h], axis=1)[some])


def test_a_broken_string_is_noticed_and_leaves_its_neighbours_alone() -> None:
    good = filled(3, 4, 5, 6)["counts"].encode()
    bad = [b"", b"\xff\xfe", b"0", b"5P", b"1/", b"oooooooooo0", b"0" * 3 + b"O"]
    for wrong in bad:
        found = measure([good, wrong, good], np.full(3, HEIGHT))
        assert found.broken.tolist() == [False, True, False], wrong
        assert found.area.tolist()[::2] == [30, 30]
        assert found.bounds[2].tolist() == [3, 4, 8, 10]


def test_equal_ids_are_paired_in_their_order() -> None:
    assert pair([1, 1, "a"], [1, "a", 1]).tolist() == [0, 2, 1]
    assert pair([1, 1], [1]).tolist() == [0, -1]
    assert pair([], [5]).tolist() == []
    nan = float("nan")
    assert pair([nan, 2], [nan, 2]).tolist() == [0, 1]
    problems = list(pairing_faults(np.array([0, -1]), [1, 1], [1, 9]))
    assert [record for record, _ in problems] == [
        "annotations[1] (id 1)",
        "annotations[1] of the output (id 9)",
    ]
