"""LabelMe: kinds of shapes, and one defect at a time."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from box_files import in_bytes
from source_files import LABELME, Json, labelme, shape, write_source

from boxmask.data import ReadOptions, coco_form, format_of, read, segmentation
from boxmask.data.sources.masks import png_of_bits
from boxmask.errors import InputError
from boxmask.faults import reason_of
from boxmask.rle import segmentation_runs


def mask(*points: object, bits: Sequence[Sequence[int]] = ((0, 1, 1), (0, 1, 0))) -> Json:
    """Make a shape of 3 x 2 pixels, of which three are inside."""
    png = png_of_bits(np.array(bits, np.bool_))
    return shape("cat", *points, shape_type="mask", mask=png)  # type: ignore[arg-type]


SOUND = shape("cat", [4, 3], [24, 18])
TRIANGLE = [[4, 3], [24, 3], [14, 18]]


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (SOUND, ""),
        (shape("cat", [24, 3], [24, 18], [4, 18], [4, 3]), ""),
        (shape("cat", [4, 3]), "box does not have four numbers"),
        (shape("cat", [4, 3], [5]), "box does not have four numbers"),
        (shape("cat", [4, 3], ["a", 2]), "box does not have four numbers"),
        (shape("cat", [4, 3], [4, 18]), "box has no width or height"),
        (shape("cat", [4, 3], [9, 9], shape_type="circle"), "shape is not a box"),
        (shape("cat", [4, 3], shape_type="point"), "shape is not a box"),
        (shape("cat", *TRIANGLE, shape_type="linestrip"), "shape is not a box"),
        (shape("cat", *TRIANGLE, [5, 5], shape_type="rotation"), "turned box is no rectangle"),
        (shape("cat", *TRIANGLE, shape_type="rotation"), "box does not have four numbers"),
        (shape("cat", [4, 3], [24, 3], shape_type="polygon"), "box does not have four numbers"),
        (shape("cat", [90, 3], [99, 9]), "box is outside the image"),
        ({}, "box does not have four numbers"),
        (mask([4, 3], [6, 4]), ""),
        (mask([6, 4], [4, 3]), ""),
        (mask([4, 3], [7, 4]), "mask cannot be read"),
        (mask([38, 3], [40, 4]), "mask cannot be read"),
        (mask([-1, 3], [1, 4]), "mask cannot be read"),
        (mask([4, 3]), "mask cannot be read"),
        (mask([4, 3], [6, 4], bits=((0, 0, 0), (0, 0, 0))), "mask cannot be read"),
        (mask([4, 3], [6, 4]) | {"mask": "aGk="}, "mask cannot be read"),
        (mask([4, 3], [6, 4]) | {"mask": None}, "mask cannot be read"),
    ],
)
def test_a_defect_is_counted_and_named(tmp_path: Path, second: Json, reason: str) -> None:
    boxes = write_source(tmp_path, {"0.json": labelme("0.png", SOUND, second)})
    dataset = read(boxes)
    assert [reason_of(code) for code in dataset.faults] == ["", reason]
    if reason:
        with pytest.raises(InputError, match=rf"0\.json, shapes\[2\]: {reason}; found "):
            read(boxes, ReadOptions(strict=True))


@pytest.mark.parametrize("text", ["", "{", "no json", '{"shapes": 1}', labelme("0.png")[:-9]])
def test_a_file_that_cannot_be_read_counts_as_one_row(tmp_path: Path, text: str) -> None:
    boxes = write_source(tmp_path, {**LABELME, "2.json": text})
    reasons = [reason_of(code) for code in read(boxes).faults]
    assert reasons == ["", "", "", "file cannot be read"]


@pytest.mark.parametrize("text", ["[]", "{}", '{"images": []}'])
def test_json_of_another_kind_in_the_folder_is_left_alone(tmp_path: Path, text: str) -> None:
    assert len(read(write_source(tmp_path, {**LABELME, "2.json": text})).boxes) == 3


def test_polygons_are_masks_that_exist_and_rectangles_of_four_corners_boxes(tmp_path: Path) -> None:
    triangle = shape("cat", *TRIANGLE, shape_type="polygon", group_id=4, flags={"old": True})
    square = shape("cat", [1, 1], [9, 1], [9, 8], [1, 8], shape_type="polygon")
    file = {"0.json": labelme("0.png", triangle, square)}
    dataset = read(write_source(tmp_path, file))
    assert dataset.has_mask.tolist() == [True, False]
    assert dataset.boxes.tolist() == [[4, 3, 24, 18], [1, 1, 9, 8]]
    written = in_bytes(coco_form(dataset).annotation(0))
    assert json.loads(written["segmentation"]) == [[4, 3, 24, 3, 14, 18]]
    assert json.loads(written["area"]) == 150
    assert json.loads(written["attributes"]) == {"group_id": 4, "old": True}


def test_masks_are_masks_that_exist_with_their_last_pixel_inside(tmp_path: Path) -> None:
    dataset = read(write_source(tmp_path, {"0.json": labelme("0.png", mask([4, 3], [6, 4]))}))
    assert dataset.has_mask.all() and dataset.boxes.tolist() == [[4, 3, 7, 5]]
    counts = segmentation_runs(segmentation(dataset, 0, (40, 30)), width=40, height=30)
    bits = (np.arange(len(counts)) % 2).repeat(counts).reshape(40, 30).T
    assert np.argwhere(bits).tolist() == [[3, 5], [3, 6], [4, 5]]


def test_one_file_is_read_too_and_the_photo_in_it_is_left_out(tmp_path: Path) -> None:
    boxes = write_source(tmp_path, LABELME, "0.json")
    assert format_of(boxes) == "labelme"
    dataset = read(boxes)
    assert len(dataset.boxes) == 2
    (image,) = json.loads(dict(coco_form(dataset).top_level())["images"])
    assert image["source"]["record"] == {
        "version": "5.5.0",
        "flags": {},
        "imagePath": "0.png",
        "imageWidth": 40,
        "imageHeight": 30,
    }


def test_bytes_that_are_no_text_stay_in_the_record(tmp_path: Path) -> None:
    text = labelme("0.png", SOUND).encode()
    (tmp_path / "0.json").write_bytes(text.replace(b'"label"', b'"group_id": "\xff", "label"'))
    record = bytes(read(tmp_path / "0.json").records[0])
    assert b'"record":{"group_id": "\xff", "label": "cat"' in record
    assert b'"file":"0.json","element":"shapes[1]"' in record
    assert json.loads(record.decode(errors="replace"))["attributes"] == {"group_id": "\udcff"}
