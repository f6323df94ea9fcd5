"""Boxes that are not quite the truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxmask.train.data.jitter import box_iou, clip_box, draw_proposal, jitter_box, loosen_box

BOX = np.array([10.0, 20.0, 50.0, 40.0])


@settings(deadline=None, max_examples=60)
@given(least=st.floats(0.3, 0.95), seed=st.integers(0, 9999))
def test_a_proposal_overlaps_the_truth_at_least_so_much(least: float, seed: int) -> None:
    found = draw_proposal(BOX, least, np.random.default_rng(seed))
    assert box_iou(BOX, found) >= least - 1e-9
    assert (found[2:] > found[:2]).all()


def test_proposals_reach_down_to_what_is_asked_for() -> None:
    random = np.random.default_rng(0)
    overlaps = [box_iou(BOX, draw_proposal(BOX, 0.5, random)) for _ in range(300)]
    assert min(overlaps) < 0.53 and max(overlaps) > 0.97
    assert np.mean(overlaps) == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize("mode", ["default", "expand", "shrink", "symmetric", "symmetric-xy"])
def test_jitter_moves_sides_within_its_ratio(mode: str) -> None:
    random = np.random.default_rng(1)
    half = np.array([20.0, 10.0, 20.0, 10.0])
    signs = np.array([-1, -1, 1, 1])
    for _ in range(50):
        outwards = (jitter_box(BOX, 0.2, mode, random) - BOX) * signs  # type: ignore[arg-type]
        assert (np.abs(outwards) <= 0.2 * half + 1e-9).all()
        if mode == "expand":
            assert (outwards >= 0).all()
        if mode == "shrink":
            assert (outwards <= 0).all()
        if mode.startswith("symmetric"):
            np.testing.assert_allclose(outwards[:2], outwards[2:])
        if mode == "symmetric-xy":
            assert outwards[0] / 20 == pytest.approx(outwards[1] / 10)


def test_boxes_apart_do_not_overlap() -> None:
    assert box_iou(BOX, BOX + 100) == 0
    assert box_iou(BOX, BOX) == 1


def test_a_loosened_box_has_sides_of_the_error_asked_for() -> None:
    random = np.random.default_rng(0)
    box = np.array([100.0, 100, 180, 140])
    moved = np.array([loosen_box(box, 0.1, random) for _ in range(4000)]) - box
    np.testing.assert_allclose(moved.std(axis=0), [8, 4, 8, 4], rtol=0.06)
    np.testing.assert_allclose(moved.mean(axis=0), 0, atol=0.5)


def test_a_loosened_box_keeps_its_corners_in_order() -> None:
    random = np.random.default_rng(1)
    moved = np.array([loosen_box(np.array([0.0, 5, 3, 8]), 0.5, random) for _ in range(500)])
    assert (moved[:, 2:] >= moved[:, :2]).all()


def test_of_a_box_only_what_lies_in_the_frame_is_left() -> None:
    frame = np.array([0.0, 0, 9, 9])
    left = clip_box(np.array([-4.0, 2, 5, 12]), frame)
    assert left is not None and left.tolist() == [0, 2, 5, 9]
    assert clip_box(np.array([8.5, 2, 20, 5]), frame) is None
    assert clip_box(np.array([10.0, 2, 20, 5]), frame) is None
