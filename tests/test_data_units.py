"""From the numbers of a format to corners, held beside brute force."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from boxmask.data.sources.units import around, from_centre, from_size, polygon_area, rectangle

Points = list[tuple[float, float]]

whole = st.integers(0, 30)
spans = st.tuples(whole, whole, st.integers(1, 30), st.integers(1, 30))
points = st.lists(st.tuples(whole, whole), min_size=3, max_size=8)


def covered(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """Paint a box of whole corners on a grid of pixels, pixel by pixel."""
    grid = np.zeros((64, 64), np.bool_)
    for y in range(64):
        for x in range(64):
            grid[y, x] = x0 <= x + 0.5 <= x1 and y0 <= y + 0.5 <= y1
    return grid


@given(spans)
def test_every_way_to_write_a_box_covers_the_same_pixels(span: tuple[int, int, int, int]) -> None:
    x, y, w, h = span
    expected = np.zeros((64, 64), np.bool_)
    expected[y : y + h, x : x + w] = True
    for corners in (
        from_size(x, y, w, h),
        from_centre(x + w / 2, y + h / 2, w, h),
        around([x + w, y, x, y + h]),
        rectangle([x, y, x + w, y, x + w, y + h, x, y + h]),
    ):
        assert corners is not None
        assert (covered(*corners) == expected).all()


@given(points)
def test_a_box_around_points_is_the_smallest_that_holds_them(ring: Points) -> None:
    x0, y0, x1, y1 = around([side for point in ring for side in point])
    assert all(x0 <= x <= x1 and y0 <= y <= y1 for x, y in ring)
    assert {x0, x1} <= {x for x, _ in ring} and {y0, y1} <= {y for _, y in ring}


@given(points)
def test_the_area_is_that_of_the_triangles_of_a_fan(ring: Points) -> None:
    (ax, ay), *others = ring
    fan = sum(
        (bx - ax) * (cy - ay) - (cx - ax) * (by - ay) for (bx, by), (cx, cy) in pairwise(others)
    )
    assert polygon_area([side for point in ring for side in point]) == abs(fan) / 2


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=4, max_size=4))
def test_a_rectangle_is_four_corners_in_order_and_nothing_else(ring: Points) -> None:
    x0, y0, x1, y1 = around([side for point in ring for side in point])
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    orders = [corners[k:] + corners[:k] for k in range(4)]
    orders += [order[::-1] for order in orders]
    expected = x0 < x1 and y0 < y1 and ring in orders
    assert (rectangle([side for point in ring for side in point]) is not None) == expected
