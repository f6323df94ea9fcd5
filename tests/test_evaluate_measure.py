"""One mask against its prediction, beside pycocotools on whole images."""

import json

import numpy as np
import pytest
from evaluation_files import HEIGHT, WIDTH, BoolArray, annotation, rectangle
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco

from boxmask.errors import InputError
from boxmask.evaluate.boundary import band_width, boundary, iou
from boxmask.evaluate.measure import Instance, Located, mask_rle, measure

SIZE = (WIDTH, HEIGHT)


def located(record: object, where: str = "a.json: annotation 7") -> Located:
    return Located(json.dumps(record).encode(), where)


def masks(seed: int) -> BoolArray:
    random = np.random.default_rng(seed)
    blobs = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
    for _ in range(int(random.integers(0, 4))):
        x, y, w, h = random.integers(0, (WIDTH, HEIGHT, WIDTH, HEIGHT))
        blobs ^= rectangle(x, y, w, h)
    return blobs


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_measuring_in_a_window_equals_measuring_the_whole_image(one: int, other: int) -> None:
    true, predicted = masks(one), masks(other)
    instance = Instance(SIZE, located(annotation(1, true)), (located(annotation(1, predicted)),))
    area, found, found_boundary = measure([instance])[0]
    encoded = [coco.encode(np.asfortranarray(bits, dtype=np.uint8)) for bits in (predicted, true)]
    band = band_width(*SIZE)
    assert area == true.sum()
    assert found == coco.iou(encoded[:1], encoded[1:], [0])[0, 0]
    assert found_boundary == iou(boundary(true, band), boundary(predicted, band))


def test_a_missing_prediction_counts_as_zero_beside_the_others() -> None:
    true = located(annotation(1))
    found = measure([Instance(SIZE, true, (None, true))])
    assert found.tolist() == [[400, 0, 0, 1, 1]]


def test_polygons_and_both_forms_of_rle_are_one_mask() -> None:
    square = [[10, 10, 30, 10, 30, 30, 10, 30]]
    flat = rectangle(10, 10, 20, 20).ravel("F")
    edges = np.flatnonzero(np.diff(flat, prepend=False)).tolist()
    runs = np.diff([0, *edges, len(flat)]).tolist()
    forms = (square, {"size": [HEIGHT, WIDTH], "counts": runs}, annotation(1)["segmentation"])
    rles = [mask_rle(located({"segmentation": form}), SIZE) for form in forms]
    assert rles[0] == rles[1] == rles[2]


def test_the_mask_gives_the_size_where_the_image_record_does_not() -> None:
    assert mask_rle(located(annotation(1)), (0, 0))["size"] == [HEIGHT, WIDTH]
    with pytest.raises(InputError, match=r"a\.json: annotation 7: .*add its width and height"):
        mask_rle(located({"segmentation": [[0, 0, 9, 0, 9, 9]]}), (0, 0))


def test_a_mask_of_another_size_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"a\.json: annotation 7: .*\[60, 80\].*\[50, 50\]"):
        mask_rle(located(annotation(1)), (50, 50))


def test_numbers_that_only_python_writes_are_read() -> None:
    record = json.dumps(annotation(1, score=float("nan"))).encode()
    assert mask_rle(Located(record, "x"), SIZE)["size"] == [HEIGHT, WIDTH]
