"""Pascal VOC: the convention of its corners, its layouts, and one defect at a time."""

import json
from pathlib import Path

import pytest
from box_files import in_bytes
from source_files import VOC, voc, voc_object, write_source

from boxmask.data import ReadOptions, coco_form, read
from boxmask.errors import InputError
from boxmask.faults import reason_of

SOUND = voc_object("cat", 5, 4, 24, 18)
NO_BOX = "<object><name>cat</name></object>"
BOMB = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]>\n' + voc("0.png", SOUND)
FAR = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>\n' + voc("0.png", "&b;")


@pytest.mark.parametrize(
    ("text", "reason"),
    {
        SOUND: "",
        NO_BOX: "box is missing",
        voc_object("cat", "5.5", " 4 ", 24, 18): "",
        voc_object("cat", "five", 4, 24, 18): "box does not have four numbers",
        voc_object("cat", "", 4, 24, 18): "box does not have four numbers",
        voc_object("cat", "nan", 4, 24, 18): "box is not finite",
        voc_object("cat", 25, 4, 24, 18): "box has no width or height",
        voc_object("cat", 99, 4, 120, 18): "box is outside the image",
    }.items(),
)
def test_a_defect_is_counted_and_named(tmp_path: Path, text: str, reason: str) -> None:
    size = "<size><width>40</width><height>30</height></size>"
    boxes = write_source(tmp_path, {"a.xml": voc("0.png", SOUND, text, size=size)})
    dataset = read(boxes)
    assert [reason_of(code) for code in dataset.faults] == ["", reason]
    if reason:
        with pytest.raises(InputError, match=rf"a\.xml, object\[2\]: {reason}; found <object>"):
            read(boxes, ReadOptions(strict=True))


@pytest.mark.parametrize(
    ("text", "message"),
    {
        voc("0.png", SOUND)[:-20]: "broken at line",
        "<annotation><object></annotation>": "line 1: mismatched tag",
        "": "broken at line 1: no element found",
        "no xml": "broken at line 1",
        BOMB: "declares an entity at line 1",
        FAR: "declares an entity at line 1",
        "<annotation>&unknown;</annotation>": "undefined entity",
    }.items(),
)
def test_a_file_that_is_no_usable_xml_counts_as_one_row(
    tmp_path: Path, text: str, message: str
) -> None:
    boxes = write_source(tmp_path, {**VOC, "VOC2012/Annotations/2.xml": text})
    dataset = read(boxes)
    assert [reason_of(code) for code in dataset.faults] == ["", "", "", "file cannot be read"]
    assert json.loads(dataset.records[3])["source"]["file"] == "VOC2012/Annotations/2.xml"
    with pytest.raises(InputError, match=message):
        read(boxes / "VOC2012/Annotations/2.xml", ReadOptions(format="voc"))


def test_corners_count_pixels_from_1_unless_one_of_them_is_0(tmp_path: Path) -> None:
    boxes = write_source(tmp_path, {"0.xml": voc("0.png", SOUND), "1.xml": voc("1.png", SOUND)})
    assert read(boxes).boxes.tolist() == [[4, 3, 24, 18]] * 2
    (boxes / "1.xml").write_text(voc("1.png", voc_object("cat", 0, 4, 24, 18)))
    found = read(boxes)
    assert found.boxes.tolist() == [[5, 4, 24, 18], [0, 4, 24, 18]]
    assert any("count from 0" in name for name in found.warnings)


def test_what_is_beside_the_boxes_is_kept(tmp_path: Path) -> None:
    dataset = read(write_source(tmp_path, VOC))
    form = coco_form(dataset)
    assert json.loads(in_bytes(form.annotation(0))["attributes"]) == {"difficult": 1}
    (image, *_) = json.loads(dict(form.top_level())["images"])
    assert "<filename>0.png</filename><size>" in image["source"]["record"]
    assert "<object>" not in image["source"]["record"]


@pytest.mark.parametrize(
    ("xml", "photo"),
    [
        ("Annotations/0.xml", "JPEGImages/0.png"),
        ("annotations/0.xml", "images/0.png"),
        ("train/0.xml", "train/0.png"),
        ("0.xml", "0.png"),
    ],
)
def test_every_layout_finds_its_photos(tmp_path: Path, xml: str, photo: str) -> None:
    boxes = write_source(tmp_path, {xml: voc("0.png", SOUND), photo: ""})
    assert list(read(boxes).file_names) == [photo]
    one = read(tmp_path / xml, ReadOptions(images=tmp_path))
    assert list(one.file_names) == [photo]


def test_the_text_of_every_object_is_that_of_the_file(tmp_path: Path) -> None:
    odd = '<object note="a>b"><name>é &amp; è</name><part/><bndbox/></object>'
    boxes = write_source(tmp_path, {"0.xml": voc("0.png", odd, SOUND)})
    dataset = read(boxes)
    records = [json.loads(dataset.records[row])["source"]["record"] for row in range(2)]
    assert records == [odd, SOUND]
    assert sorted(one.name for one in dataset.categories) == ["cat", "é & è"]
