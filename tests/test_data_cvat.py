"""CVAT's XML for images: kinds of shapes, and one defect at a time."""

import json
from pathlib import Path

import numpy as np
import pytest
from box_files import in_bytes
from source_files import CVAT, cvat, cvat_box, cvat_photo, write_source

from boxmask.data import ReadOptions, coco_form, read, segmentation
from boxmask.errors import InputError
from boxmask.faults import reason_of
from boxmask.rle import segmentation_runs

SOUND = cvat_box("cat", 4, 3, 24, 18)


def write_cvat(folder: Path, *shapes: str) -> Path:
    text = cvat(cvat_photo("0.png", *shapes))
    return write_source(folder, {"annotations.xml": text}, "annotations.xml")


def mask(rle: str, *, left: int = 4) -> str:
    place = f'left="{left}" top="3" width="3" height="2"'
    return f'<mask label="cat" rle="{rle}" {place}/>'


@pytest.mark.parametrize(
    ("shape", "reason"),
    {
        SOUND: "",
        cvat_box("cat", 4, 3, 24, 18, more=' rotation="0.0"'): "",
        cvat_box("cat", 4, 3, 24, 18, more=' rotation="30.5"'): "",
        cvat_box("cat", 94, 3, 99, 18, more=' rotation="30"'): "box is outside the image",
        cvat_box("cat", 24, 3, 4, 18): "box has no width or height",
        '<box label="cat" xtl="1" ytl="2" xbr="3"/>': "box does not have four numbers",
        '<box label="cat" xtl="a" ytl="2" xbr="3" ybr="4"/>': "box does not have four numbers",
        '<polygon label="cat" points="4,3;24,3;14,18"/>': "",
        '<polygon label="cat" points="4,3;24,3"/>': "box does not have four numbers",
        '<polygon label="cat" points=""/>': "box does not have four numbers",
        '<polyline label="cat" points="4,3;24,3;14,18"/>': "shape is not a box",
        '<points label="cat" points="4,3"/>': "shape is not a box",
        '<ellipse label="cat" cx="4" cy="3" rx="2" ry="2"/>': "shape is not a box",
        mask("1, 2, 3"): "",
        mask("1, 2, 4"): "mask cannot be read",
        mask("1, -2, 7"): "mask cannot be read",
        mask("1, 2, 3", left=38): "mask cannot be read",
    }.items(),
)
def test_a_defect_is_counted_and_named(tmp_path: Path, shape: str, reason: str) -> None:
    boxes = write_cvat(tmp_path, SOUND, shape)
    dataset = read(boxes)
    assert [reason_of(code) for code in dataset.faults] == ["", reason]
    record = json.loads(dataset.records[1])["source"]["record"]
    assert record == shape.rstrip("\n")
    if reason:
        place = rf"annotations\.xml, image\[1\]/shape\[2\]: {reason}; found <"
        with pytest.raises(InputError, match=place):
            read(boxes, ReadOptions(strict=True))


def test_attributes_and_all_beside_the_shapes_are_kept(tmp_path: Path) -> None:
    tag = '<tag label="night" source="manual"/>'
    turned = cvat_box("cat", 4, 3, 24, 18, more=' rotation="30.5"')
    dataset = read(write_cvat(tmp_path, turned, tag))
    form = coco_form(dataset)
    attributes = json.loads(in_bytes(form.annotation(0))["attributes"])
    assert attributes == {"occluded": "0", "rotation": "30.5", "age": "old"}
    head = {key: json.loads(raw) for key, raw in form.top_level()}
    assert tag in head["images"][0]["source"]["record"]
    assert "<name>t</name>" in head["source"]["record"]
    assert "<image" not in head["source"]["record"]


def test_masks_that_exist_are_kept(tmp_path: Path) -> None:
    polygon = '<polygon label="cat" points="4,3;24,3;14,18"/>'
    dataset = read(write_cvat(tmp_path, polygon, mask("1, 2, 1, 1, 1")))
    assert dataset.has_mask.all()
    assert segmentation(dataset, 0, (40, 30)) == [[4, 3, 24, 3, 14, 18]]
    counts = segmentation_runs(segmentation(dataset, 1, (40, 30)), width=40, height=30)
    bits = (np.arange(len(counts)) % 2).repeat(counts).reshape(40, 30).T
    expected = np.zeros((30, 40), np.int64)
    expected[3:5, 4:7] = [[0, 1, 1], [0, 1, 0]]
    assert (bits == expected).all()
    assert json.loads(dataset.records[1])["area"] == 3
    assert dataset.boxes[1].tolist() == [4, 3, 7, 5]


@pytest.mark.parametrize(
    ("text", "message"),
    {
        CVAT["annotations.xml"][:-20]: "broken at line",
        "<annotations><track id='0'><box frame='0'/></track></annotations>": "CVAT for video",
        '<!DOCTYPE a [<!ENTITY b "b">]><annotations/>': "declares an entity",
    }.items(),
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=rf"a\.xml: .*{message}"):
        read(write_source(tmp_path, {"a.xml": text}, "a.xml"), ReadOptions(format="cvat"))
