"""MegaDetector results of every age, with and without metadata."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from box_files import detection, detections, image, in_bytes, write

from boxmask.data import ReadOptions, read
from boxmask.data.forms import coco_form
from boxmask.data.megadetector import FAILED, NOT_LISTED
from boxmask.errors import ConfigError, InputError
from boxmask.faults import reason_of

UUID = "8b31d3be-21bc-11ea-a13a-137349068a90"


def metadata(folder: Path, *images: dict[str, object]) -> Path:
    return write(
        folder / "metadata.json",
        {
            "images": [image(**each) for each in images],
            "annotations": [{"id": "x", "image_id": UUID, "category_id": 0}],
            "categories": [{"id": 0, "name": "empty"}],
        },
    )


def test_without_metadata_boxes_stay_fractions(tmp_path: Path) -> None:
    dataset = read(write(tmp_path / "boxes.json", detections()))
    assert dataset.format == "megadetector"
    assert dataset.relative.tolist() == [True]
    np.testing.assert_allclose(dataset.boxes, [[0.1, 0.25, 0.6, 0.75]])
    assert (list(dataset.image_ids), dataset.file_names) == (["cam/a.jpg"], ("cam/a.jpg",))
    assert dataset.rotated_if_unsized
    assert dataset.scores is not None
    np.testing.assert_allclose(dataset.scores, [0.9], rtol=1e-6)
    assert [(each.id, each.name) for each in dataset.categories] == [
        (1, "animal"),
        (2, "person"),
        (3, "vehicle"),
    ]
    assert dataset.category_index.tolist() == [0]


def test_results_keyed_by_id_take_name_and_size_from_the_metadata(tmp_path: Path) -> None:
    results = detections({"id": UUID, "max_detection_conf": 0.9, "detections": [detection()]})
    options = ReadOptions(metadata=metadata(tmp_path, {"id": UUID, "file_name": "x/a.jpg"}))
    dataset = read(write(tmp_path / "boxes.json", results), options)
    assert (list(dataset.image_ids), dataset.file_names) == ([UUID], ("x/a.jpg",))
    assert dataset.relative.tolist() == [False]
    np.testing.assert_allclose(dataset.boxes, [[10, 20, 60, 60]])


def test_results_keyed_by_id_alone_are_named_after_it(tmp_path: Path) -> None:
    results = detections({"id": UUID, "detections": [detection()]})
    assert read(write(tmp_path / "boxes.json", results)).file_names == (f"{UUID}.jpg",)


def test_results_keyed_by_file_find_the_metadata_below_their_folder(tmp_path: Path) -> None:
    results = detections({"file": f"train/{UUID}.jpg", "detections": [detection()]})
    options = ReadOptions(metadata=metadata(tmp_path, {"id": UUID, "file_name": f"{UUID}.jpg"}))
    dataset = read(write(tmp_path / "boxes.json", results), options)
    assert (list(dataset.image_ids), dataset.file_names) == ([UUID], (f"train/{UUID}.jpg",))
    assert dataset.widths.tolist() == [100]


def test_like_named_files_of_other_folders_are_not_mixed_up(tmp_path: Path) -> None:
    results = detections({"file": "b/1.jpg", "detections": [detection()]})
    options = ReadOptions(metadata=metadata(tmp_path, {"id": "p", "file_name": "a/1.jpg"}))
    dataset = read(write(tmp_path / "boxes.json", results), options)
    assert dataset.warnings == {NOT_LISTED: 1}
    assert (list(dataset.image_ids), dataset.widths.tolist()) == (["b/1.jpg"], [0])


def test_failed_and_empty_images_are_kept_without_boxes(tmp_path: Path) -> None:
    results = detections(
        {"file": "broken.jpg", "failure": "image access", "detections": None},
        {"file": "broken2.jpg", "failure": "image access"},
        {"file": "empty.jpg", "detections": []},
        {"file": "a.jpg", "detections": [detection(), detection(conf=0.5)]},
    )
    dataset = read(write(tmp_path / "boxes.json", results))
    assert dataset.image_index.tolist() == [3, 3]
    assert dataset.warnings == {FAILED: 2}
    form = coco_form(dataset)
    head = {key: json.loads(raw) for key, raw in form.top_level()}
    assert head["images"][0] == {
        "id": "broken.jpg",
        "file_name": "broken.jpg",
        "file": "broken.jpg",
        "failure": "image access",
    }


@pytest.mark.parametrize("least", [-0.1, 20, math.nan])
def test_a_least_confidence_that_cannot_be_is_refused(tmp_path: Path, least: float) -> None:
    path = write(tmp_path / "boxes.json", detections())
    with pytest.raises(ConfigError, match="give 0 to 1"):
        read(path, ReadOptions(min_conf=least))


def test_weak_detections_are_faults_and_stay(tmp_path: Path) -> None:
    rows = [detection(conf=conf) for conf in (0.1, 0.2, 0.9, None)]
    results = detections({"file": "a.jpg", "detections": rows})
    dataset = read(write(tmp_path / "boxes.json", results), ReadOptions(min_conf=0.2))
    weak = "below the confidence threshold"
    assert [reason_of(code) for code in dataset.faults] == [weak, "", "", ""]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"bbox": [0.1, 0.1, 1.2, 0.5]}, "box is not in fractions of the image"),
        ({"bbox": [0.1, 0.1, 0, 0.5]}, "box has no width or height"),
        ({"bbox": [math.nan, 0.1, 0.1, 0.5]}, "box is not finite"),
        ({"bbox": [0.1, 0.1]}, "box does not have four numbers"),
        ({"bbox": None}, "box is missing"),
        ({"bbox": [-0.5, 0.1, 0.4, 0.5]}, "box is outside the image"),
    ],
)
def test_a_defect_is_a_fault_of_its_own_detection_only(
    tmp_path: Path, changes: dict[str, object], fault: str
) -> None:
    rows = [detection(), detection(**changes), detection()]
    results = detections({"file": "a.jpg", "detections": rows})
    dataset = read(write(tmp_path / "boxes.json", results))
    assert [reason_of(code) for code in dataset.faults] == ["", fault, ""]


def test_boxes_in_pixels_are_an_error_naming_the_first(tmp_path: Path) -> None:
    rows = [detection(), *(detection(bbox=[10, 20, 30, 40]) for _ in range(2))]
    results = detections({"file": "a.jpg", "detections": rows})
    with pytest.raises(InputError, match=r"detection 2 has the bbox \[10.*fractions"):
        read(write(tmp_path / "boxes.json", results))


def test_a_category_that_is_not_listed_is_no_fault(tmp_path: Path) -> None:
    results = detections({"file": "a.jpg", "detections": [detection(category="9")]})
    dataset = read(write(tmp_path / "boxes.json", results))
    assert (dataset.category_index.tolist(), dataset.faults.tolist()) == ([-1], [0])


def test_category_keys_that_are_no_numbers_stay_text(tmp_path: Path) -> None:
    results = detections(detection_categories={"1": "animal", "dog": "dog"})
    dataset = read(write(tmp_path / "boxes.json", results))
    assert [each.id for each in dataset.categories] == ["1", "dog"]


def test_the_same_file_twice_is_an_error(tmp_path: Path) -> None:
    results = detections({"file": "a.jpg"}, {"file": "a.jpg"})
    with pytest.raises(InputError, match=r"images\[0\] and images\[1\] both have the id 'a.jpg'"):
        read(write(tmp_path / "boxes.json", results))


def test_metadata_without_images_is_named(tmp_path: Path) -> None:
    wrong = write(tmp_path / "wrong.json", {"annotations": []})
    path = write(tmp_path / "boxes.json", detections())
    with pytest.raises(InputError, match=r'wrong\.json: there is no "images"'):
        read(path, ReadOptions(metadata=wrong))


def test_the_coco_form_has_pixels_fractions_and_the_place_in_the_list(tmp_path: Path) -> None:
    rows = [detection(), detection(conf=0.25, classifications=[["0", 0.5]])]
    results = detections(
        {"file": "0.jpg", "detections": [detection()]}, {"file": "a.jpg", "detections": rows}
    )
    dataset = read(write(tmp_path / "boxes.json", results))
    form = coco_form(dataset)
    head = {key: json.loads(raw) for key, raw in form.top_level({1: (100, 80)})}
    unsized, sized = form.annotation(2), in_bytes(form.annotation(2, (100, 80)))
    assert list(head) == ["info", "detection_categories", "images", "categories"]
    assert "width" not in head["images"][0]
    assert (head["images"][1]["width"], head["images"][1]["height"]) == (100, 80)
    assert (unsized["bbox"], unsized["area"]) == (None, None)
    assert sized == {
        "id": 3,
        "image_id": b'"a.jpg"',
        "category_id": 1,
        "bbox": [10, 20, 50, 40],
        "area": 2000,
        "iscrowd": 0,
        "bbox_relative": b"[0.1, 0.25, 0.5, 0.5]",
        "detection": 2,
        "category": b'"1"',
        "conf": b"0.25",
        "classifications": b'[["0", 0.5]]',
    }


def test_metadata_keys_are_kept_with_the_images(tmp_path: Path) -> None:
    results = detections({"id": UUID, "max_detection_conf": 0.9, "detections": [detection()]})
    options = ReadOptions(metadata=metadata(tmp_path, {"id": UUID, "seq_id": "s1"}))
    dataset = read(write(tmp_path / "boxes.json", results), options)
    form = coco_form(dataset)
    images = json.loads(dict(form.top_level())["images"])
    assert images == [image(id=UUID, seq_id="s1") | {"max_detection_conf": 0.9}]
