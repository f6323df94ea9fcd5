"""Turned boxes that are none, or not quite: what is told of them."""

from pathlib import Path

import numpy as np
import pytest
from source_files import labelme, shape, write_source
from test_data_turned import DOTA, FRACTIONS

from boxmask.data import pixel_boxes, pixel_corners, read
from boxmask.faults import reason_of
from boxmask.turned import bounds_of, own_frames, shares_filled, to_frame

WRONG = {
    "turned box is no rectangle": [0, 0, 9, 0, 9, 8, 0, 1],
    "box has no width or height": [1, 1, 2, 2, 3, 3, 4, 4],
    "box is outside the image": [20, 20, 24, 22, 23, 24, 19, 22],
}


@pytest.mark.parametrize("reason", WRONG)
def test_what_is_no_turned_box_is_told(tmp_path: Path, reason: str) -> None:
    points = [WRONG[reason][k : k + 2] for k in range(0, 8, 2)]
    turned = shape("cat", *points, shape_type="rotation")
    file = labelme("0.png", turned, imageWidth=10, imageHeight=10)
    dataset = read(write_source(tmp_path, {"0.json": file}, "0.json"))
    assert reason_of(dataset.faults[0]) == reason


@pytest.mark.parametrize("number", ["nan", "inf", "1e999", "-1e300"])
def test_a_corner_that_is_not_finite_is_told(tmp_path: Path, number: str) -> None:
    line = DOTA.replace("7.2321", number)
    dataset = read(write_source(tmp_path, {"labelTxt/a.txt": f"{line} 0\n{DOTA} 0\n"}))
    assert [reason_of(code) for code in dataset.faults] == ["box is not finite", ""]


def test_corners_out_of_order_are_no_rectangle_in_fractions_either(tmp_path: Path) -> None:
    crossed = [*FRACTIONS[:2], *FRACTIONS[4:6], *FRACTIONS[2:4], *FRACTIONS[6:]]
    line = " ".join(map(str, crossed))
    dataset = read(write_source(tmp_path, {"labels/0.txt": f"0 {line}\n"}))
    assert reason_of(dataset.faults[0]) == "turned box is no rectangle"


def test_a_corner_off_its_place_is_counted_and_the_smallest_rectangle_taken(tmp_path: Path) -> None:
    line = "10 10 50 30 40 52 0 30 ship 0"
    dataset = read(write_source(tmp_path, {"labelTxt/0.txt": f"{line}\n"}))
    assert not dataset.faults.any()
    assert dataset.warnings["turned boxes"] == 1
    said = "turned boxes that are no exact rectangle: the smallest around their corners is taken"
    assert dataset.warnings[said] == 1
    corners = pixel_corners(dataset, np.array([0]), 60, 60)
    assert corners is not None
    given = np.array([[10, 10], [50, 30], [40, 52], [0, 30]])
    assert shares_filled(corners)[0] == pytest.approx(1)
    (box,), (angle,) = own_frames(corners)
    within = to_frame(given.astype(np.float64), angle)
    assert (within > box[:2] - 1e-6).all() and (within < box[2:] + 1e-6).all()
    assert dataset.boxes[0].tolist() == bounds_of(corners)[0].tolist()
    # So in fractions, as soon as the size of the image is known.
    sides = " ".join(str(side / 60) for side in given.ravel())
    yolo = read(write_source(tmp_path / "yolo", {"labels/0.txt": f"0 {sides}\n"}))
    same = pixel_corners(yolo, np.array([0]), 60, 60)
    assert same is not None
    np.testing.assert_allclose(same, corners, atol=1e-6)
    np.testing.assert_allclose(pixel_boxes(yolo, np.array([0]), 60, 60), dataset.boxes)
