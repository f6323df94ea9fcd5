"""Frames, corners and smallest rectangles, against brute force."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxmask.turned import (
    Floats,
    areas_of,
    bounds_of,
    corners_of,
    own_frames,
    part_inside,
    smallest_around,
    to_frame,
    to_image,
)

# The rectangle of centre (5, 3), 4 x 2, turned by 30 degrees clockwise on screen.
CORNERS = np.array([[3.7679, 1.1340], [7.2321, 3.1340], [6.2321, 4.8660], [2.7679, 2.8660]])


def rectangle(cx: float, cy: float, w: float, h: float, degrees: float) -> Floats:
    """Turn each corner by hand."""
    a = math.radians(degrees)
    half = [(-w / 2, -h / 2), (w / 2, -h / 2), (w / 2, h / 2), (-w / 2, h / 2)]
    turned = [
        (x * math.cos(a) - y * math.sin(a), x * math.sin(a) + y * math.cos(a)) for x, y in half
    ]
    return np.array([[cx + x, cy + y] for x, y in turned])


def test_the_frame_of_the_test_rectangle_is_its_own() -> None:
    (box,), (angle,) = own_frames(CORNERS[None])
    assert math.degrees(angle) == pytest.approx(30, abs=1e-3)
    assert (box[2:] - box[:2]).tolist() == pytest.approx([4, 2], abs=1e-3)
    middle = to_image((box[:2] + box[2:]) / 2, angle)
    assert middle.tolist() == pytest.approx([5, 3], abs=1e-3)
    np.testing.assert_allclose(corners_of(box[None], np.array([angle]))[0], CORNERS, atol=1e-3)


@settings(deadline=None, max_examples=100)
@given(
    st.floats(-50, 50), st.floats(-50, 50), st.floats(1, 90), st.floats(1, 90), st.floats(-360, 360)
)
def test_any_rectangle_comes_back_by_its_own_frame(
    cx: float, cy: float, w: float, h: float, degrees: float
) -> None:
    corners = rectangle(cx, cy, w, h, degrees)
    boxes, angles = own_frames(corners[None])
    assert abs(angles[0]) <= math.pi / 4 + 1e-9
    found = corners_of(boxes, angles)[0]
    apart = np.linalg.norm(found[:, None] - corners, axis=2)
    assert apart.min(axis=0).max() < 1e-6 and apart.min(axis=1).max() < 1e-6
    assert areas_of(found[None])[0] == pytest.approx(w * h)
    # Clockwise on screen from the upper left corner of its frame.
    np.testing.assert_allclose(to_frame(found[0], angles[0]), boxes[0, :2], atol=1e-9)


def test_a_frame_at_no_angle_is_the_image() -> None:
    box = np.array([[1.25, 2.5, 7.75, 9.0]])
    assert bounds_of(corners_of(box, np.zeros(1))).tolist() == box.tolist()
    upright = corners_of(box, np.zeros(1))
    assert upright[0].tolist() == [[1.25, 2.5], [7.75, 2.5], [7.75, 9.0], [1.25, 9.0]]


def test_no_angle_gives_a_smaller_rectangle_than_the_smallest() -> None:
    random = np.random.default_rng(3)
    for _ in range(20):
        points = to_image(random.normal(0, [30, 6], (40, 2)), random.uniform(-2, 2))
        found = smallest_around(points)
        angles = np.linspace(0, math.pi / 2, 2000)
        boxes = bounds_of(to_frame(points[None], angles[:, None]))
        least = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1).min()
        area = areas_of(found[None])[0]
        assert least * 0.99 < area <= least + 1e-9
        (box,), (angle,) = own_frames(found[None])
        within = to_frame(points, angle)
        assert (within > box[:2] - 1e-6).all() and (within < box[2:] + 1e-6).all()


@pytest.mark.parametrize("points", [[[1, 2]], [[1, 2], [5, 4]], [[0, 0], [1, 1], [2, 2]]])
def test_points_on_a_line_have_a_flat_rectangle(points: list[list[float]]) -> None:
    corners = smallest_around(np.array(points, float))
    assert areas_of(corners[None])[0] == pytest.approx(0, abs=1e-12)
    apart = np.linalg.norm(corners[:, None] - np.array(points, float), axis=2)
    assert apart[:, [0, -1]].min(axis=0).max() < 1e-9


@settings(deadline=None, max_examples=60)
@given(st.floats(0, 40), st.floats(0, 30), st.floats(2, 40), st.floats(2, 40), st.floats(0, 90))
def test_the_part_inside_is_what_both_cover(
    cx: float, cy: float, w: float, h: float, degrees: float
) -> None:
    corners = rectangle(cx, cy, w, h, degrees)
    part = part_inside(corners, np.array([0.0, 0, 40, 30]))
    steps = 200
    x, y = np.meshgrid((np.arange(steps) + 0.5) * 40 / steps, (np.arange(steps) + 0.5) * 30 / steps)
    within = to_frame(np.stack([x, y], axis=-1) - [cx, cy], math.radians(degrees))
    share = (np.abs(within) <= np.array([w, h]) / 2).all(axis=-1).mean()
    area = areas_of(part[None])[0] if len(part) else 0.0
    assert area == pytest.approx(share * 1200, abs=8)


def test_nothing_is_inside_a_box_far_off() -> None:
    assert len(part_inside(CORNERS, np.array([20.0, 20, 30, 30]))) == 0
