"""Each policy on a file that has exactly one defect: counted, kept, and an error under strict."""

import math
from pathlib import Path

import pytest
from box_files import annotation, coco, image, write

from boxmask.data import ReadOptions, read
from boxmask.data.coco import REPEATED_CATEGORIES
from boxmask.data.columns import NO_CATEGORY, NO_ID, OVER_THE_BORDER, REPEATED_IDS
from boxmask.errors import InputError
from boxmask.faults import reason_of

DEFECTS = {
    "null box": (annotation(bbox=None), "box is missing"),
    "three numbers": (annotation(bbox=[1, 2, 3]), "box does not have four numbers"),
    "five numbers": (annotation(bbox=[1, 2, 3, 4, 5]), "box does not have four numbers"),
    "no numbers": (annotation(bbox=[]), "box does not have four numbers"),
    "a text": (annotation(bbox="1 2 3 4"), "box does not have four numbers"),
    "texts": (annotation(bbox=["1", "2", "3", "4"]), "box does not have four numbers"),
    "true": (annotation(bbox=[1, 2, 3, True]), "box does not have four numbers"),
    "null inside": (annotation(bbox=[1, 2, None, 4]), "box does not have four numbers"),
    "NaN": (annotation(bbox=[1, math.nan, 3, 4]), "box is not finite"),
    "infinity": (annotation(bbox=[1, 2, math.inf, 4]), "box is not finite"),
    "huge": (annotation(bbox=[1, 2, 10**400, 4]), "box is not finite"),
    "overflow": (annotation(bbox=[1e308, 2, 1e308, 4]), "box is not finite"),
    "no width": (annotation(bbox=[1, 2, 0, 4]), "box has no width or height"),
    "negative height": (annotation(bbox=[1, 2, 3, -4]), "box has no width or height"),
    "lost in rounding": (annotation(bbox=[50, 2, 1e-20, 4]), "box has no width or height"),
    "right of the image": (annotation(bbox=[100, 2, 3, 4]), "box is outside the image"),
    "below the image": (annotation(bbox=[1, 80, 3, 4]), "box is outside the image"),
    "left of the image": (annotation(bbox=[-5, 2, 5, 4]), "box is outside the image"),
    "above the image": (annotation(bbox=[1, -4, 3, 4]), "box is outside the image"),
    "unknown image": (annotation(image_id=2), "no image record"),
    "image by another type": (annotation(image_id="1"), "no image record"),
    "image is a list": (annotation(image_id=[1]), "no image record"),
}


@pytest.mark.parametrize(("record", "fault"), DEFECTS.values(), ids=DEFECTS)
def test_a_defect_is_a_fault_of_its_own_record_only(
    tmp_path: Path, record: dict[str, object], fault: str
) -> None:
    path = write(tmp_path / "boxes.json", coco(annotation(id=1), record, annotation(id=2)))
    dataset = read(path)
    assert [reason_of(code) for code in dataset.faults] == ["", fault, ""]
    assert list(dataset.annotation_ids) == [1, 7, 2]


@pytest.mark.parametrize(("record", "fault"), DEFECTS.values(), ids=DEFECTS)
def test_a_defect_is_an_error_under_strict(
    tmp_path: Path, record: dict[str, object], fault: str
) -> None:
    path = write(tmp_path / "boxes.json", coco(annotation(id=1), record, annotation(id=2)))
    with pytest.raises(InputError, match=rf"boxes\.json: record 2 \(id 7\): {fault}; found \{{.*"):
        read(path, ReadOptions(strict=True))


def test_a_sound_file_passes_strict(tmp_path: Path) -> None:
    path = write(tmp_path / "boxes.json", coco(annotation(bbox=[-1, -1, 5, 5])))
    assert len(read(path, ReadOptions(strict=True)).boxes) == 1


def test_a_box_over_the_border_is_sound_and_counted(tmp_path: Path) -> None:
    rows = [annotation(id=1, bbox=[90, 70, 10, 10]), annotation(id=2, bbox=[90, 70, 10.5, 10])]
    dataset = read(write(tmp_path / "boxes.json", coco(*rows)))
    assert dataset.faults.tolist() == [0, 0]
    assert dataset.boxes[1].tolist() == [90, 70, 100.5, 80]
    assert dataset.warnings == {OVER_THE_BORDER: 1}


def test_nothing_is_outside_an_image_of_unknown_size(tmp_path: Path) -> None:
    content = coco(annotation(bbox=[9000, 2, 3, 4]), images=[{"id": 1, "file_name": "a.jpg"}])
    dataset = read(write(tmp_path / "boxes.json", content))
    assert dataset.faults.tolist() == [0]


@pytest.mark.parametrize("width", [0, -5, None, "100", 99.5, 2**40, True, math.nan])
def test_a_width_that_is_none_is_unknown(tmp_path: Path, width: object) -> None:
    dataset = read(write(tmp_path / "boxes.json", coco(images=[image(width=width)])))
    assert dataset.widths.tolist() == [0]


def test_a_box_smaller_than_a_pixel_is_sound(tmp_path: Path) -> None:
    dataset = read(write(tmp_path / "boxes.json", coco(annotation(bbox=[5.2, 5.2, 0.1, 0.1]))))
    assert dataset.faults.tolist() == [0]


def test_repeated_annotation_ids_are_counted(tmp_path: Path) -> None:
    rows = [annotation(id=id) for id in (1, 2, 1, 1)]
    path = write(tmp_path / "boxes.json", coco(*rows))
    assert read(path).warnings == {REPEATED_IDS: 2}
    with pytest.raises(InputError, match=r"record 3 \(id 1\): record 1 has the same id"):
        read(path, ReadOptions(strict=True))


def test_annotations_without_an_id_are_counted_and_kept(tmp_path: Path) -> None:
    rows = [annotation(), annotation(id=None), annotation(id=None), annotation(id=[1])]
    dataset = read(write(tmp_path / "boxes.json", coco(*rows)))
    assert dataset.warnings == {NO_ID: 3}
    assert list(dataset.annotation_ids) == [7, None, None, None]


def test_an_unlisted_category_is_counted_for_its_box_can_have_a_mask(tmp_path: Path) -> None:
    dataset = read(write(tmp_path / "boxes.json", coco(annotation(category_id=4))))
    assert dataset.category_index.tolist() == [-1]
    assert dataset.faults.tolist() == [0]
    assert dataset.warnings == {NO_CATEGORY: 1}


def test_repeated_category_ids_are_counted(tmp_path: Path) -> None:
    twice = [{"id": 3, "name": "cat"}, {"id": 3, "name": "dog"}]
    dataset = read(write(tmp_path / "boxes.json", coco(categories=twice)))
    assert dataset.warnings == {REPEATED_CATEGORIES: 1}


@pytest.mark.parametrize(
    ("value", "crowd"),
    [(1, True), (True, True), ("1", True), ("true", True), (0, False), ("0", False), ("", False)],
)
def test_a_crowd_may_be_told_in_text(tmp_path: Path, value: object, crowd: bool) -> None:
    dataset = read(write(tmp_path / "boxes.json", coco(annotation(iscrowd=value))))
    assert dataset.is_crowd.tolist() == [crowd]


@pytest.mark.parametrize("id", [1, "x", -(2**70)])
def test_repeated_image_ids_are_an_error_naming_both(tmp_path: Path, id: object) -> None:
    images = [image(id=0), image(id=id), image(id=5), image(id=id)]
    path = write(tmp_path / "boxes.json", coco(images=images))
    with pytest.raises(InputError, match=rf"boxes\.json: images\[1\] and images\[3\] .*{id!r}"):
        read(path)


def test_an_image_without_an_id_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "boxes.json", coco(images=[image(), {"file_name": "b.jpg"}]))
    with pytest.raises(InputError, match=r"images\[1\] has no usable id"):
        read(path)
