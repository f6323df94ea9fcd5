"""Boundary IoU against the definition of the paper, step by step."""

import numpy as np
import pytest
from evaluation_files import BoolArray, rectangle
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from boxmask.evaluate.boundary import band_width, boundary


def eroded_step_by_step(bits: BoolArray, band: int) -> BoolArray:
    """Erode with a 3 x 3 square `band` times; beyond the edge all is background."""
    for _ in range(band):
        padded = np.pad(bits, 1)
        h, w = bits.shape
        shifts = [padded[y : y + h, x : x + w] for y in range(3) for x in range(3)]
        bits = np.logical_and.reduce(shifts)
    return bits


@settings(deadline=None, max_examples=80)
@given(
    arrays(
        np.bool_,
        st.tuples(st.integers(1, 24), st.integers(1, 24)),
        elements=st.integers(0, 7).map(bool),
    ),
    st.integers(1, 9),
)
def test_the_boundary_is_the_mask_less_its_erosion(bits: BoolArray, band: int) -> None:
    assert np.array_equal(boundary(bits, band), bits & ~eroded_step_by_step(bits, band))


def test_the_image_edge_counts_as_outline() -> None:
    assert boundary(np.ones((30, 40), dtype=np.bool_), 3).sum() == 30 * 40 - 24 * 34


def test_a_small_mask_is_all_boundary() -> None:
    bits = rectangle(3, 3, 4, 4)
    assert np.array_equal(boundary(bits, 5), bits)


@pytest.mark.parametrize(
    ("width", "height", "band"),
    [(640, 480, 16), (10, 10, 1), (4000, 3000, 100), (90, 120, 3), (100, 0, 2), (1, 1, 1)],
)
def test_the_band_is_two_percent_of_the_diagonal(width: int, height: int, band: int) -> None:
    assert band_width(width, height) == band
