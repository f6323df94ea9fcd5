"""The parts of a check: equal values, masks measured in bulk, annotations paired by id."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from boxmask.check.pairs import match_ids, pairing_faults
from boxmask.check.rle_batch import measure_rles
from boxmask.check.values import same_value
from boxmask.errors import InputError
from boxmask.rle import MOST_PIXELS, area, segmentation_runs


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
    assert same_value(ours, theirs) is equal
    assert same_value(msgspec.Raw(ours), msgspec.Raw(theirs)) is equal
    assert not same_value(None, theirs) and same_value(None, None)


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
    found = measure_rles([runs["counts"] for runs in encoded], np.array(heights))
    x, y, w, h = coco_mask.toBbox(encoded).astype(int).T
    area = coco_mask.area(encoded)
    assert not found.broken.any()
    assert found.total.tolist() == [runs["size"][0] * runs["size"][1] for runs in encoded]
    assert found.area.tolist() == area.tolist()
    some = area > 0
    assert np.array_equal(found.boxes[some], np.stack([x, y, x + w, y + h], axis=1)[some])


def test_a_broken_string_is_noticed_and_leaves_its_neighbours_alone() -> None:
    bits = np.zeros((30, 40), np.uint8, order="F")
    bits[4:10, 3:8] = 1
    good = coco_mask.encode(bits)["counts"]
    bad = [b"", b"\xff\xfe", b"0", b"5P", b"1/", b"oooooooooo0", b"0" * 3 + b"O"]
    for wrong in bad:
        found = measure_rles([good, wrong, good], np.full(3, 30))
        assert found.broken.tolist() == [False, True, False], wrong
        assert found.area.tolist()[::2] == [30, 30]
        assert found.boxes[2].tolist() == [3, 4, 8, 10]


@settings(deadline=None, max_examples=200)
@given(st.text(st.characters(min_codepoint=47, max_codepoint=112), min_size=1, max_size=9))
def test_the_reader_of_many_and_the_reader_of_one_agree(counts: str) -> None:
    found = measure_rles([counts.encode()], np.array([1]))
    size = {"width": max(int(found.total[0]), 1), "height": 1}
    segmentation = {"size": [size["height"], size["width"]], "counts": counts}
    if found.broken[0] or found.total[0] > MOST_PIXELS:
        with pytest.raises(InputError):
            segmentation_runs(segmentation, **size)
    else:
        assert area(segmentation_runs(segmentation, **size)) == found.area[0]


def test_equal_ids_are_paired_in_their_order() -> None:
    assert match_ids([1, 1, "a"], [1, "a", 1]).tolist() == [0, 2, 1]
    assert match_ids([1, 1], [1]).tolist() == [0, -1]
    assert match_ids([], [5]).tolist() == []
    nan = float("nan")
    assert match_ids([nan, 2], [nan, 2]).tolist() == [0, 1]
    problems = list(pairing_faults(np.array([0, -1]), [1, 1], [1, 9]))
    assert [record for record, _ in problems] == [
        "annotations[1] (id 1)",
        "annotations[1] of the output (id 9)",
    ]
