"""Polygons of few vertices, against brute force: what is drawn, how far off, and what crosses."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mask_files import whole
from test_polygons import Bits, drawn, enclosed, mask, windows

from boxmask.outlines import LOWEST_IOU, Outline, outline
from boxmask.outlines.largest import Largest
from boxmask.outlines.rings import RingSet, ring_set
from boxmask.outlines.thin import thin
from boxmask.polygons import trace
from boxmask.window import Window

# pycocotools.mask.decode of 2.0.11 under numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

Point = tuple[float, float]
Line = tuple[Point, Point]
TOLERANCES = st.sampled_from([0.25, 0.5, 1.0, 2.0, 7.0])


@st.composite
def shapes(draw: st.DrawFn) -> Window:
    """A mask that has at least a pixel: any bits, or patches of some pixels."""
    small = draw(windows())[0]
    seed, side = draw(st.integers(0, 9999)), draw(st.integers(1, 4))
    coarse = np.random.default_rng(seed).random((5, 5)) < draw(st.sampled_from([0.4, 0.6, 0.8]))
    patches = Window(3, 2, coarse.repeat(side, axis=0).repeat(side, axis=1))
    window = draw(st.sampled_from([small, patches]))
    window.bits[0, 0] |= not window.bits.any()
    return window


def lines_of(polygon: list[float]) -> list[Line]:
    points = list(zip(polygon[::2], polygon[1::2], strict=True))
    return list(zip(points, points[1:] + points[:1], strict=True))


def side(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def on(a: Point, b: Point, c: Point) -> bool:
    """Whether c lies on the line from a to b."""
    within = all(min(p, q) <= r <= max(p, q) for p, q, r in zip(a, b, c, strict=True))
    return side(a, b, c) == 0 and within


def meet(one: Line, other: Line) -> bool:
    """Whether two lines have a point in common other than an end of both."""
    (a, b), (c, d) = one, other
    if {a, b} & {c, d}:
        return any(on(*one, p) for p in {c, d} - {a, b}) or any(
            on(*other, p) for p in {a, b} - {c, d}
        )
    crossing = side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0
    return crossing or on(a, b, c) or on(a, b, d) or on(c, d, a) or on(c, d, b)


def distance(line: Line, point: Point) -> float:
    start, end, at = (np.array(p) for p in (*line, point))
    share = np.clip((at - start) @ (end - start) / max((end - start) @ (end - start), 1e-9), 0, 1)
    return float(np.hypot(*(at - start - share * (end - start))))


def thinned(window: Window, tolerance: float) -> tuple[RingSet, list[list[float]]]:
    rings = ring_set(window)
    return rings, [one.ravel().tolist() for one in rings.joined(thin(rings, tolerance))]


def in_place(window: Window, tolerance: float, **options: int) -> tuple[Outline, int, int]:
    width, height = (int(side) for side in window.box()[2:] + 1)
    found = outline(window, width=width, height=height, tolerance=tolerance, **options)
    return found, width, height


@settings(deadline=None, max_examples=30)
@given(shapes(), TOLERANCES)
def test_no_line_meets_another_and_bridges_alone_are_walked_twice(
    window: Window, tolerance: float
) -> None:
    rings, polygons = thinned(window, tolerance)
    walked = [line for polygon in polygons for line in lines_of(polygon)]
    there_and_back = [line for line in walked if line[::-1] in walked]
    holes = sum(enclosed(ring) < 0 for ring in trace(window))
    assert len(there_and_back) == 2 * holes == 2 * len(rings.bridges)
    once = {frozenset(line): line for line in walked}.values()
    assert not [pair for pair in combinations(once, 2) if meet(*pair)]


@settings(deadline=None, max_examples=30)
@given(shapes(), TOLERANCES)
def test_no_side_of_a_pixel_is_farther_off_than_the_tolerance(
    window: Window, tolerance: float
) -> None:
    rings, polygons = thinned(window, tolerance)
    walked = [line for polygon in polygons for line in lines_of(polygon)]
    for ring in rings.rings:
        for x, y in ring.tolist():
            assert min(distance(line, (x, y)) for line in walked) <= tolerance + 1e-9


@settings(deadline=None, max_examples=30)
@given(shapes(), TOLERANCES)
def test_there_is_a_polygon_for_each_part_and_each_lies_where_it_did(
    window: Window, tolerance: float
) -> None:
    _, polygons = thinned(window, tolerance)
    _, exact = thinned(window, 0)
    parts = sum(enclosed(ring) > 0 for ring in trace(window))
    assert len(polygons) == len(exact) == parts
    for place, polygon in enumerate(polygons):
        assert enclosed(polygon) > 0
        for other in polygons[:place] + polygons[place + 1 :]:
            start = (other[0], other[1])
            assert parity(start, polygon) == parity(start, exact[place])


def parity(point: Point, polygon: list[float]) -> bool:
    """Whether a point lies in a polygon: a ray to the right crosses it an odd number of times."""
    x, y = point
    crossings = 0
    for (x0, y0), (x1, y1) in lines_of(polygon):
        if (y0 > y) != (y1 > y):
            crossings += x0 + (y - y0) * (x1 - x0) / (y1 - y0) > x
    return crossings % 2 == 1


@settings(deadline=None, max_examples=30)
@given(shapes())
def test_without_tolerance_the_same_mask_is_drawn(window: Window) -> None:
    _, polygons = thinned(window, 0)
    _, width, height = in_place(window, 1)
    assert np.array_equal(drawn(polygons, width, height), whole(window, width, height))


@settings(deadline=None, max_examples=30)
@given(shapes(), TOLERANCES)
def test_the_iou_is_that_of_the_drawn_mask_and_never_low(window: Window, tolerance: float) -> None:
    found, width, height = in_place(window, tolerance)
    made, true = drawn(found.polygons, width, height), whole(window, width, height)
    assert found.iou == pytest.approx((made & true).sum() / (made | true).sum())
    assert found.iou >= LOWEST_IOU
    assert found.counts[1::2].sum() == made.sum()
    x0, y0, x1, y1 = window.trimmed().box().astype(int)  # type: ignore[union-attr]
    made[y0:y1, x0:x1] = False
    assert not made.any()  # none leaves the mask's box


def disc(side: int, radius: float) -> Bits:
    x, y = np.mgrid[:side, :side] - side / 2 + 0.5
    bits: Bits = x**2 + y**2 < radius**2
    return bits


def test_a_disc_with_a_hole_is_one_polygon_of_few_vertices() -> None:
    window = Window(10, 20, disc(200, 90) & ~disc(200, 30))
    found, *_ = in_place(window, 1.0)
    exact = sum(map(len, trace(window))) // 2
    assert len(found.polygons) == 1 and exact > 300
    assert found.vertices < 60 and found.iou > 0.98
    finer, *_ = in_place(window, 0.5)
    assert found.vertices < finer.vertices and finer.iou > found.iou


def test_a_square_keeps_its_corners() -> None:
    found, *_ = in_place(Window(2, 3, np.ones((20, 10), np.bool_)), 1.0)
    corners = set(zip(found.polygons[0][::2], found.polygons[0][1::2], strict=True))
    assert corners == {(2, 3), (22, 3), (22, 13), (2, 13)}
    assert found.iou == 1


def test_there_are_at_most_as_many_vertices_as_asked_for() -> None:
    window = Window(0, 0, disc(200, 90))
    free, *_ = in_place(window, 0.5)
    capped, *_ = in_place(window, 0.5, max_vertices=12)
    assert free.vertices > 12 >= capped.vertices >= 3
    assert 0.8 < capped.iou < free.iou


@settings(deadline=None, max_examples=60)
@given(shapes(), TOLERANCES, st.integers(4, 40))
def test_no_mask_has_more_vertices_however_many_parts_it_has(
    window: Window, tolerance: float, most: int
) -> None:
    found, width, height = in_place(window, tolerance, max_vertices=most)
    assert found.vertices <= most and found.iou > 0
    made, true = drawn(found.polygons, width, height), whole(window, width, height)
    assert found.iou == pytest.approx((made & true).sum() / (made | true).sum())


def test_the_smallest_parts_go_first() -> None:
    large, hole, specks = disc(60, 28), disc(60, 12), np.zeros((60, 60), np.bool_)
    specks[:3, ::2] = specks[-3:, ::2] = True
    found, *_ = in_place(Window(5, 5, (large & ~hole) | specks), 1.0, max_vertices=30)
    polygons = sorted(found.polygons, key=enclosed)
    assert len(polygons[-1]) > 2 * 15 and enclosed(polygons[-1]) > 0.9 * (large & ~hole).sum()
    assert found.vertices <= 30 and found.iou > 0.85


@settings(deadline=None, max_examples=30)
@given(shapes())
def test_all_rings_together_are_the_mask(window: Window) -> None:
    rings = Largest(window)
    assert np.array_equal(rings.keep(len(rings)).bits, window.bits)


def test_an_island_is_not_swallowed_and_a_hole_stays_inside() -> None:
    ring = mask("#########", "#.......#", "#..###..#", "#.......#", "#########")
    for tolerance in (0.5, 1.0, 3.0, 9.0):
        _, polygons = thinned(ring, tolerance)
        assert len(polygons) == 2
        inner = min(polygons, key=enclosed)
        outer = max(polygons, key=enclosed)
        assert not parity((inner[0], inner[1]), outer)


def test_noise_of_hundreds_of_rings_is_outlined() -> None:
    bits = np.random.default_rng(0).random((60, 60)) < 0.6
    found, *_ = in_place(Window(0, 0, bits), 1.0)
    assert found.iou >= LOWEST_IOU


def test_random_bits_have_rings_without_a_common_point() -> None:
    for seed in range(30):
        bits = np.random.default_rng(seed).random((9, 7)) < 0.6
        points = np.concatenate(ring_set(Window(0, 0, bits)).rings)
        assert len(np.unique(points, axis=0)) == len(points)
