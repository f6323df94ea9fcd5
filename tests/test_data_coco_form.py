"""What is written repeats what was read, byte for byte."""

import json
from pathlib import Path

import msgspec
import pytest
from box_files import annotation, coco, image, in_bytes, write
from hypothesis import given
from hypothesis import strategies as st

from boxmask.data import read
from boxmask.data.forms import coco_form
from boxmask.data.raw.members import split_members
from boxmask.data.raw.repair import strict_copy

texts = st.text(st.characters(exclude_categories=()), max_size=6)  # half pairs too
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
keys = st.text(max_size=6) | st.sampled_from(["bbox", "id", "image_id", "iscrowd", "segmentation"])
layouts = st.sampled_from([None, (",", ":"), (" ,\n", " :\t")])


@given(st.lists(st.dictionaries(keys, values, max_size=5), max_size=4), layouts, st.booleans())
def test_every_value_of_any_record_keeps_its_bytes(
    tmp_path_factory: pytest.TempPathFactory,
    records: list[dict[str, object]],
    separators: tuple[str, str] | None,
    ascii_only: bool,
) -> None:
    path = tmp_path_factory.mktemp("any") / "boxes.json"

    def dump(value: object) -> bytes:
        text = json.dumps(value, separators=separators, ensure_ascii=ascii_only)
        return text.encode("utf-8", "surrogatepass")

    path.write_bytes(dump(coco(annotations=records)))
    dataset = read(path)
    form = coco_form(dataset)
    for row, record in enumerate(records):
        written = form.annotation(row)
        assert list(written) == list(record)
        assert in_bytes(written) == {key: dump(value) for key, value in record.items()}
        line = msgspec.json.encode(written)
        assert all(raw in line for raw in in_bytes(written).values())


@given(values)
def test_repair_changes_only_what_a_strict_parser_refuses(value: object) -> None:
    text = json.dumps(value).encode()
    mended = strict_copy(text)
    assert len(mended) == len(text)
    msgspec.json.decode(mended, type=msgspec.Raw)
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except msgspec.DecodeError:
        return
    assert mended == text


def test_the_head_repeats_the_files_other_members_in_order(tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"
    path.write_text(
        '{"info": {"v" : 1.10},"annotations":[],"x":NaN, '
        '"images": [ {"id": 1.0} ], "categories":[]}'
    )
    form = coco_form(read(path))
    assert list(form.top_level()) == [
        ("info", b'{"v" : 1.10}'),
        ("x", b"NaN"),
        ("images", b'[ {"id": 1.0} ]'),
        ("categories", b"[]"),
    ]


def test_sizes_are_filled_in_where_the_file_has_none(tmp_path: Path) -> None:
    images = [image(), {"id": 2, "file_name": "b.jpg", "height": 0}, {"id": 3}]
    dataset = read(write(tmp_path / "boxes.json", coco(images=images)))
    form = coco_form(dataset)
    written = json.loads(dict(form.top_level({0: (5, 5), 1: (30, 20)}))["images"])
    assert written == [images[0], images[1] | {"width": 30, "height": 20}, images[2]]


def test_of_a_repeated_key_the_last_value_counts() -> None:
    assert in_bytes(split_members(b'{"a": 1, "b": 2, "a": NaN}')) == {"a": b"NaN", "b": b"2"}


def test_a_camera_trap_box_in_fractions_gets_one_in_pixels(tmp_path: Path) -> None:
    record = {"id": 1, "image_id": 1, "bbox_relative": [0.1, 0.25, 0.5, 0.5]}
    unsized = coco(record, images=[{"id": 1, "file_name": "a.jpg"}])
    for name, content in (("sized", coco(record)), ("unsized", unsized)):
        dataset = read(write(tmp_path / f"{name}.json", content))
        form = coco_form(dataset)
        fields = in_bytes(form.annotation(0, (100, 80)))
        assert (fields["bbox_relative"], fields["bbox"]) == (
            b"[0.1, 0.25, 0.5, 0.5]",
            [10, 20, 50, 40],
        )
    form = coco_form(dataset)
    assert "bbox" not in form.annotation(0)


def test_a_box_that_cannot_be_read_is_written_as_it_was(tmp_path: Path) -> None:
    path = write(tmp_path / "boxes.json", coco(annotation(bbox=[float("nan"), None])))
    form = coco_form(read(path))
    assert in_bytes(form.annotation(0))["bbox"] == b"[NaN, null]"
