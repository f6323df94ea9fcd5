"""Which other boxes a network is shown beside a box."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from annotation_files import (
    WINDOWS,
    annotate,
    boxes_of,
    output,
    tiny_network,
    window_job,
    workload_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from boxmask.annotate import neighbours
from boxmask.annotate.hints import Hints
from boxmask.annotate.neighbours import ImageBoxes, find_neighbours
from boxmask.annotate.prepare import prepare_image

boxes = st.lists(
    st.tuples(*[st.integers(0, 30)] * 2, *[st.integers(1, 15)] * 2, st.integers(0, 2)),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, max_examples=100)
@given(boxes, st.data(), st.sampled_from([1, 7, 1000]))
def test_neighbours_are_the_boxes_that_reach_into_the_window(
    found: list[tuple[int, ...]], data: st.DataObject, entries: int
) -> None:
    table = np.array(found, np.float64)
    corners = np.hstack([table[:, :2], table[:, :2] + table[:, 2:4]])
    labels, rows = table[:, 4].astype(np.int32), np.arange(len(table)) + 100
    asked = np.array(sorted(data.draw(st.sets(st.sampled_from(range(len(table)))))), np.int64)
    windows = corners[asked] + [-2, -1, 1, 2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_ENTRIES", entries)
        those = find_neighbours(
            ImageBoxes(rows[asked], corners[asked], labels[asked]),
            ImageBoxes(rows, corners, labels),
            windows,
        )
    assert len(those) == len(asked)
    for one, (x0, y0, x1, y1), near in zip(asked.tolist(), windows, those, strict=True):
        inside = [
            other
            for other, (left, top, right, bottom) in enumerate(corners.tolist())
            if other != one
            and min(right, x1) - max(left, x0) > 0
            and min(bottom, y1) - max(top, y0) > 0
        ]
        assert np.array_equal(near.boxes, corners[inside])
        assert near.same.tolist() == (labels[inside] == labels[one]).tolist()


def test_neighbours_are_all_sound_boxes_of_the_image_whatever_is_asked(tmp_path: Path) -> None:
    data = boxes_of(2, 6)
    for place, change in enumerate(
        (
            {},
            {"segmentation": [[1, 1, 9, 1, 9, 9]]},  # has a mask
            {"bbox": [4, 4, 0, 5]},
            {"iscrowd": 1},
            {"bbox": [39, 5, 20, 5], "category_id": 2},  # over the border
            {"bbox": [50, 5, 20, 5]},  # outside
        )
    ):
        data["annotations"][2 * place].update(change)
    workload = workload_of(window_job(tmp_path, data))
    assert workload.hints == Hints(0.0, neighbours=True)
    assert workload.objects(0).tolist() == [0, 2, 8]
    assert workload.objects(1).tolist() == [1, 3, 5, 7, 9, 11]


def test_an_image_with_a_thousand_boxes_tells_each_of_those_in_its_window(tmp_path: Path) -> None:
    data = boxes_of(1, 1)
    data["annotations"] = [
        {"id": k, "image_id": 0, "category_id": 1, "bbox": [k % 35, k // 35 % 25, 4, 4]}
        for k in range(1000)
    ]
    workload = workload_of(window_job(tmp_path, data))
    config = tiny_network(**WINDOWS).config
    rows = workload.objects(0)
    assert len(rows) == 1000
    few = prepare_image(workload, config, image=0, rows=rows[10:12])[1]
    many = prepare_image(workload, config, image=0, rows=rows)[1]
    assert few.views is not None and many.views is not None
    assert few.views.hints is not None and many.views.hints is not None
    assert np.array_equal(few.views.hints, many.views.hints[10:12])


def test_boxes_of_no_known_category_are_like_no_other() -> None:
    def placed(row: int, label: int) -> ImageBoxes:
        box = np.array([[10.0 + row, 10, 30, 30]])
        return ImageBoxes(np.array([row]), box, np.array([label], np.int32))

    window = np.array([[0.0, 0, 50, 50]])
    for label, same in ((3, True), (-1, False)):
        (found,) = find_neighbours(placed(0, label), placed(1, label), window)
        assert found.same.tolist() == [same]


def test_neighbours_change_the_masks_and_can_be_left_out(tmp_path: Path) -> None:
    job = window_job(tmp_path)
    alone = replace(job, neighbours="off", out=tmp_path / "alone.json")
    for one in (job, alone):
        annotate(one)
    assert output(job)["annotations"] != output(alone)["annotations"]
