"""One mask against its prediction, beside pycocotools on whole images."""

import json

import numpy as np
import pytest
from evaluation_files import HEIGHT, WIDTH, BoolArray, annotation, rectangle
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco

from boxmask.errors import InputError
from boxmask.evaluate.boundary import band_width, boundary
from boxmask.evaluate.measure import InstanceMasks, MaskRecord, join, mask_rle, measure
from boxmask.evaluate.metrics import METRICS, MaskPair, Metric, iou

SIZE = (WIDTH, HEIGHT)


def record_of(annotation: object, where: str = "a.json: annotation 7") -> MaskRecord:
    return MaskRecord(json.dumps(annotation).encode(), where)


def masks(seed: int) -> BoolArray:
    random = np.random.default_rng(seed)
    blobs = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
    for _ in range(int(random.integers(0, 4))):
        x, y, w, h = random.integers(0, (WIDTH, HEIGHT, WIDTH, HEIGHT))
        blobs ^= rectangle(x, y, w, h)
    return blobs


def iou_of(first: BoolArray, second: BoolArray) -> float:
    return iou(MaskPair(first, second, SIZE))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_measuring_in_a_window_equals_measuring_the_whole_image(one: int, other: int) -> None:
    true, predicted = masks(one), masks(other)
    records = record_of(annotation(1, true)), record_of(annotation(1, predicted))
    found = measure([InstanceMasks(SIZE, records[0], records[1:])], METRICS)
    encoded = [coco.encode(np.asfortranarray(bits, dtype=np.uint8)) for bits in (predicted, true)]
    bands = (boundary(bits, band_width(*SIZE)) for bits in (true, predicted))
    assert found.areas.tolist() == [true.sum()]
    assert {name: values.tolist() for name, values in found.values[0].items()} == {
        "iou": [coco.iou(encoded[:1], encoded[1:], [0])[0, 0]],
        "boundary_iou": [iou_of(*bands)],
    }


def test_iou_of_empty_masks_is_zero() -> None:
    empty = np.zeros((4, 4), dtype=np.bool_)
    assert iou_of(empty, empty) == 0
    assert iou_of(empty, ~empty) == 0
    assert iou_of(~empty, ~empty) == 1


def test_a_missing_prediction_counts_as_the_metric_says_beside_the_others() -> None:
    true = record_of(annotation(1))
    metrics = {"iou": METRICS["iou"], "other": Metric(lambda pair: 0.5, "other", missing=7)}
    found = measure([InstanceMasks(SIZE, true, (None, true))], metrics)
    assert found.areas.tolist() == [400]
    assert found.values == [{"iou": [0], "other": [7]}, {"iou": [1], "other": [0.5]}]


def test_chunks_are_joined_in_their_order() -> None:
    true = record_of(annotation(1))
    parts = [
        measure([InstanceMasks(SIZE, true, (true,))], METRICS),
        measure([InstanceMasks(SIZE, true, (None,))] * 2, METRICS),
    ]
    found = join(parts)
    assert found.areas.tolist() == [400] * 3
    assert found.values[0]["iou"].tolist() == found.values[0]["boundary_iou"].tolist() == [1, 0, 0]


def test_polygons_and_both_forms_of_rle_are_one_mask() -> None:
    square = [[10, 10, 30, 10, 30, 30, 10, 30]]
    flat = rectangle(10, 10, 20, 20).ravel("F")
    edges = np.flatnonzero(np.diff(flat, prepend=False)).tolist()
    runs = np.diff([0, *edges, len(flat)]).tolist()
    forms = (square, {"size": [HEIGHT, WIDTH], "counts": runs}, annotation(1)["segmentation"])
    rles = [mask_rle(record_of({"segmentation": form}), SIZE) for form in forms]
    assert rles[0] == rles[1] == rles[2]


def test_the_mask_gives_the_size_where_the_image_record_does_not() -> None:
    assert mask_rle(record_of(annotation(1)), (0, 0))["size"] == [HEIGHT, WIDTH]
    with pytest.raises(InputError, match=r"a\.json: annotation 7: .*add its width and height"):
        mask_rle(record_of({"segmentation": [[0, 0, 9, 0, 9, 9]]}), (0, 0))


def test_a_mask_of_another_size_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"a\.json: annotation 7: .*\[60, 80\].*\[50, 50\]"):
        mask_rle(record_of(annotation(1)), (50, 50))


def test_numbers_that_only_python_writes_are_read() -> None:
    record = json.dumps(annotation(1, score=float("nan"))).encode()
    assert mask_rle(MaskRecord(record, "x"), SIZE)["size"] == [HEIGHT, WIDTH]
