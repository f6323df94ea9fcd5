"""COCO files of every shape become the same columns."""

import gzip
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
from box_files import annotation, coco, image, write
from hypothesis import given
from hypothesis import strategies as st

from boxmask.data import ReadOptions, pixel_boxes, read, segmentation

POLYGONS = [[10, 20, 40, 20, 40, 60]]
RUNS = {"size": [80, 100], "counts": [820, 3, 77, 3, 7097]}
COMPRESSED = {"size": [80, 100], "counts": "dj01_20mm6"}


def test_a_plain_file_becomes_columns(tmp_path: Path) -> None:
    dataset = read(write(tmp_path / "boxes.json", coco()))
    assert dataset.format == "coco"
    assert dataset.boxes.tolist() == [[10, 20, 40, 60]]
    assert list(dataset.annotation_ids) == [7]
    assert list(dataset.image_ids) == [1]
    assert list(dataset.file_names) == ["a.jpg"]
    assert (dataset.widths.tolist(), dataset.heights.tolist()) == ([100], [80])
    assert dataset.categories[dataset.category_index[0]].name == "cat"
    assert dataset.faults.tolist() == [0]
    assert dataset.warnings == {}


@pytest.mark.parametrize("mask", [POLYGONS, RUNS, COMPRESSED])
def test_each_mask_encoding_is_noticed_and_given_back(tmp_path: Path, mask: object) -> None:
    dataset = read(write(tmp_path / "boxes.json", coco(annotation(segmentation=mask))))
    assert dataset.has_mask.tolist() == [True]
    assert segmentation(dataset, 0, (100, 80)) == mask


@pytest.mark.parametrize("mask", [None, [], [[]], {}, {"size": [80, 100], "counts": ""}, ""])
def test_an_empty_segmentation_is_no_mask(tmp_path: Path, mask: object) -> None:
    dataset = read(write(tmp_path / "boxes.json", coco(annotation(segmentation=mask))))
    assert dataset.has_mask.tolist() == [False]
    assert segmentation(dataset, 0, (100, 80)) is None


@pytest.mark.parametrize("crowd", [1, True, 1.0])
def test_a_crowd_is_marked(tmp_path: Path, crowd: object) -> None:
    dataset = read(write(tmp_path / "boxes.json", coco(annotation(iscrowd=crowd))))
    assert dataset.is_crowd.tolist() == [True]


@pytest.mark.parametrize("id", ["seven", "", 0, -3, 10**25, 2**63, 1.5, "1"])
def test_ids_are_kept_as_they_were_written(tmp_path: Path, id: object) -> None:
    content = coco(annotation(id=id, image_id=id), images=[image(id=id)])
    dataset = read(write(tmp_path / "boxes.json", content))
    assert [*dataset.annotation_ids, *dataset.image_ids] == [id, id]
    assert type(dataset.annotation_ids[0]) is type(id)
    assert dataset.image_index.tolist() == [0]


def test_a_number_and_its_text_are_two_ids(tmp_path: Path) -> None:
    content = coco(annotation(image_id="1"), annotation(), images=[image(), image(id="1")])
    dataset = read(write(tmp_path / "boxes.json", content))
    assert dataset.image_index.tolist() == [1, 0]


def test_true_is_not_the_id_one(tmp_path: Path) -> None:
    dataset = read(write(tmp_path / "boxes.json", coco(annotation(image_id=True))))
    assert dataset.image_index.tolist() == [-1]


def test_the_order_of_keys_and_unknown_ones_do_not_matter(tmp_path: Path) -> None:
    record = {"x": {"bbox": 3}, "bbox": [1, 2, 3, 4], "category_id": 3, "image_id": 1, "id": 7}
    content = {"annotations": [record], "more": [1, {"images": []}], **coco(record)}
    dataset = read(write(tmp_path / "boxes.json", content))
    assert dataset.boxes.tolist() == [[1, 2, 4, 6]]


def test_a_file_without_categories_is_read_without_a_fault(tmp_path: Path) -> None:
    content = coco()
    del content["categories"]
    dataset = read(write(tmp_path / "boxes.json", content))
    assert dataset.category_index.tolist() == [-1]
    assert (dataset.faults.tolist(), dataset.warnings) == ([0], {})


def test_gaps_between_category_ids_are_fine(tmp_path: Path) -> None:
    categories = [{"id": 90, "name": "brush"}, {"id": 3, "name": "cat"}, {"id": -1, "name": "dog"}]
    rows = [annotation(category_id=id) for id in (3, -1, 90)]
    dataset = read(write(tmp_path / "boxes.json", coco(*rows, categories=categories)))
    assert dataset.category_index.tolist() == [1, 2, 0]


def test_an_empty_file_of_boxes_is_read(tmp_path: Path) -> None:
    content = coco(annotations=[], images=[])
    dataset = read(write(tmp_path / "boxes.json", content))
    assert dataset.boxes.shape == (0, 4)
    order, starts = dataset.rows_by_image()
    assert (order.tolist(), starts.tolist()) == ([], [0])


@pytest.mark.parametrize("indent", [None, 0, 4])
def test_white_space_does_not_matter(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "boxes.json"
    text = json.dumps(coco(annotation(id=1), annotation(id=2, extra=[[1], 2])), indent=indent)
    path.write_text(f"\n {text}\r\n\t", encoding="utf-8")
    dataset = read(path)
    assert [json.loads(dataset.records[row])["id"] for row in range(2)] == [1, 2]


def test_gzip_and_a_byte_order_mark_are_seen_through(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbf" + json.dumps(coco()).encode()
    marked, zipped = tmp_path / "marked.json", tmp_path / "zipped.json"
    marked.write_bytes(text)
    zipped.write_bytes(gzip.compress(text))
    for path in (marked, zipped):
        dataset = read(path)
        assert json.loads(dataset.records[0]) == annotation()


def test_one_bad_number_in_the_file_faults_its_own_box_only(tmp_path: Path) -> None:
    bad = annotation(bbox=[math.nan, 1, 2, 3], note="NaN, Infinity \\u0041", score=-math.inf)
    path = write(tmp_path / "boxes.json", coco(annotation(), bad, annotation(score=math.nan)))
    dataset = read(path)
    assert (dataset.faults != 0).tolist() == [False, True, False]
    assert b'"bbox": [NaN, 1, 2, 3]' in dataset.records[1]
    assert np.isnan(dataset.boxes[1]).all()


def test_half_a_surrogate_pair_in_a_name_survives(tmp_path: Path) -> None:
    dataset = read(write(tmp_path / "boxes.json", coco(images=[image(file_name="caf\udce9.jpg")])))
    assert dataset.file_names[0].encode("utf-8", "surrogateescape") == b"caf\xe9.jpg"


def test_a_name_that_is_not_utf8_survives(tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"
    path.write_bytes(json.dumps(coco()).encode().replace(b"a.jpg", b"\xe9.jpg"))
    assert read(path).file_names[0].encode("utf-8", "surrogateescape") == b"\xe9.jpg"


def test_camera_trap_boxes_in_fractions_become_pixels_where_the_size_is_known(
    tmp_path: Path,
) -> None:
    rows = [annotation(image_id=id, bbox_relative=[0.1, 0.5, 0.2, 0.25]) for id in ("a", "b")]
    for row in rows:
        del row["bbox"]
    images = [image(id="a"), {"id": "b", "file_name": "b.jpg"}]
    dataset = read(write(tmp_path / "boxes.json", coco(*rows, images=images)))
    assert dataset.relative.tolist() == [False, True]
    np.testing.assert_allclose(dataset.boxes[0], [10, 40, 30, 60])
    np.testing.assert_allclose(
        pixel_boxes(dataset, np.array([1]), 200, 400), [[20, 200, 60, 300]], rtol=1e-12
    )


def test_rows_are_found_by_image_in_the_order_of_the_input(tmp_path: Path) -> None:
    rows = [annotation(id=place, image_id=id) for place, id in enumerate([2, 1, 9, 2, 1])]
    dataset = read(write(tmp_path / "b.json", coco(*rows, images=[image(), image(id=2)])))
    order, starts = dataset.rows_by_image()
    found = [order[starts[i] : starts[i + 1]].tolist() for i in range(2)]
    assert found == [[1, 4], [0, 3]]


def test_a_worker_gets_the_columns_and_maps_the_file_anew(tmp_path: Path) -> None:
    rows = [annotation(id=place, note="x" * 1000) for place in range(200)]
    dataset = read(write(tmp_path / "boxes.json", coco(*rows)))
    pickled = pickle.dumps(dataset)
    assert len(pickled) < 40_000
    assert pickle.loads(pickled).records[150] == dataset.records[150]


def test_the_format_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "boxes.json", coco())
    assert read(path, ReadOptions(format="coco")).format == "coco"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(annotation())) | st.just("iscrowd"), json_values))
def test_no_record_makes_the_reader_fall_or_is_lost(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, object]
) -> None:
    path = tmp_path_factory.mktemp("any") / "boxes.json"
    dataset = read(write(path, coco(annotation(**changes), annotation())))
    assert len(dataset.boxes) == 2
    assert dataset.faults[1] == 0
    assert dataset.faults[0] or np.isfinite(dataset.boxes[0]).all()
