"""Polygons along pixel edges: drawn again by pycocotools, they are the same mask."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mask_files import whole
from pycocotools import mask as coco

from boxmask.polygons import coco_polygons, trace
from boxmask.window import Window

Bits = npt.NDArray[np.bool_]

# pycocotools.mask.decode of 2.0.11 under numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@st.composite
def windows(draw: st.DrawFn, longest: int = 9) -> tuple[Window, int, int]:
    """A window of any bits, the borders of the image included, and the image's width and height."""
    w, h = draw(st.integers(1, longest)), draw(st.integers(1, longest))
    left, right, above, below = (draw(st.integers(0, 2)) for _ in range(4))
    bits = draw(arrays(np.bool_, (w, h)) | random_bits(w, h))
    return Window(left, above, bits), left + w + right, above + h + below


def random_bits(w: int, h: int) -> st.SearchStrategy[Bits]:
    """Bits of which a third is background, so that holes and touching corners abound."""
    return st.integers(0, 9999).map(lambda seed: np.random.default_rng(seed).random((w, h)) < 2 / 3)


def drawn(polygons: list[list[float]], width: int, height: int) -> Bits:
    """What pycocotools draws: the union of polygons (H, W)."""
    if not polygons:
        return np.zeros((height, width), dtype=np.bool_)
    parts = coco.frPyObjects(polygons, height, width)
    bits: Bits = coco.decode(coco.merge(parts)).astype(np.bool_)
    return bits


def enclosed(ring: list[float]) -> float:
    """The signed area of a ring, positive for one that is clockwise as seen in the image."""
    x, y = np.array(ring).reshape(-1, 2).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def mask(*rows: str) -> Window:
    """A window at (0, 0) from rows of # and dots."""
    return Window(0, 0, np.array([[pixel == "#" for pixel in row] for row in rows]).T)


@settings(deadline=None, max_examples=400)
@given(windows())
def test_polygons_are_drawn_as_exactly_the_same_mask(case: tuple[Window, int, int]) -> None:
    window, width, height = case
    polygons = coco_polygons(window)
    assert np.array_equal(drawn(polygons, width, height), whole(window, width, height))


@settings(deadline=None, max_examples=200)
@given(windows())
def test_rings_enclose_as_many_pixels_as_the_mask_has(case: tuple[Window, int, int]) -> None:
    window, _, _ = case
    assert sum(enclosed(ring) for ring in trace(window)) == window.bits.sum()


@settings(deadline=None, max_examples=200)
@given(windows())
def test_no_polygon_is_a_hole_and_none_overlap(case: tuple[Window, int, int]) -> None:
    window, _, _ = case
    areas = [enclosed(polygon) for polygon in coco_polygons(window)]
    assert all(area > 0 for area in areas)
    assert sum(areas) == window.bits.sum()


@settings(deadline=None, max_examples=200)
@given(windows())
def test_every_corner_of_a_ring_is_a_turn(case: tuple[Window, int, int]) -> None:
    window, _, _ = case
    for ring in trace(window):
        steps = np.diff(np.array(ring).reshape(-1, 2), axis=0, append=[ring[:2]])
        upright = steps[:, 0] == 0
        assert (upright != (steps[:, 1] == 0)).all()
        assert (upright != np.roll(upright, 1)).all()


def test_a_single_pixel_is_a_square_ring() -> None:
    assert trace(Window(3, 5, np.array([[True]]))) == [[3, 5, 4, 5, 4, 6, 3, 6]]


def test_a_hole_is_a_ring_the_other_way_round() -> None:
    outline, hole = trace(mask("###", "#.#", "###"))
    assert outline == [0, 0, 3, 0, 3, 3, 0, 3]
    assert hole == [1, 1, 1, 2, 2, 2, 2, 1]


def test_a_mask_with_a_hole_is_cut_upright_at_the_hole() -> None:
    assert coco_polygons(mask("###", "#.#", "###")) == [
        [0, 0, 1, 0, 1, 3, 0, 3],
        [1, 0, 3, 0, 3, 3, 1, 3, 1, 2, 2, 2, 2, 1, 1, 1],
    ]


@pytest.mark.parametrize("rows", [("#.", ".#"), (".#", "#.")])
def test_pixels_that_touch_at_a_corner_are_two_rings(rows: tuple[str, str]) -> None:
    assert [enclosed(ring) for ring in trace(mask(*rows))] == [1, 1]


def test_an_island_in_a_hole_is_a_part_of_its_own() -> None:
    window = mask("#####", "#...#", "#.#.#", "#...#", "#####")
    assert [enclosed(ring) for ring in trace(window)] == [25, -9, 1]
    assert np.array_equal(drawn(coco_polygons(window), 5, 5), whole(window, 5, 5))


def test_an_empty_mask_has_no_polygons() -> None:
    assert coco_polygons(mask("...", "...")) == []


def test_a_large_mask_full_of_holes_is_drawn_the_same() -> None:
    bits = np.random.default_rng(0).random((200, 150)) < 0.9
    window = Window(20, 30, bits)
    assert np.array_equal(drawn(coco_polygons(window), 240, 200), whole(window, 240, 200))
