"""Predicted against true IoU."""

import numpy as np
import pytest

from boxmask.evaluate.calibration import accepted_iou, calibrate, spearman


def test_a_perfect_prediction_has_no_error_and_ranks_perfectly() -> None:
    iou = np.linspace(0, 1, 41)
    found = calibrate(iou, iou)
    assert found.expected_calibration_error == pytest.approx(0)
    assert found.mean_absolute_error == 0
    assert found.spearman == pytest.approx(1)
    assert found.accepted_iou["1.00"] == pytest.approx(0.5)


def test_errors_of_a_hand_computed_example() -> None:
    quality = np.array([0.95, 0.95, 0.15, 0.15])
    iou = np.array([1.0, 0.5, 0.05, 0.15])
    found = calibrate(quality, iou)
    # Bins of two each: |0.95 - 0.75| and |0.15 - 0.1|.
    assert found.expected_calibration_error == pytest.approx((0.2 + 0.05) / 2)
    assert found.mean_error == pytest.approx((-0.05 + 0.45 + 0.1 + 0) / 4)
    assert found.mean_absolute_error == pytest.approx((0.05 + 0.45 + 0.1 + 0) / 4)


def test_the_mean_iou_of_the_masks_kept_falls_from_the_best_predicted_on() -> None:
    curve = accepted_iou(np.array([0.1, 0.9, 0.5]), np.array([0.3, 0.8, 0.6]))
    assert curve == pytest.approx([0.8, 0.7, 1.7 / 3])
    risk = calibrate(np.array([0.1, 0.9, 0.5]), np.array([0.3, 0.8, 0.6])).aurc
    assert risk == pytest.approx(1 - np.mean([0.8, 0.7, 1.7 / 3]))


def test_equal_qualities_say_nothing_whatever_the_order_of_the_file() -> None:
    iou = np.array([0.0, 1.0, 0.5, 0.5])
    assert accepted_iou(np.ones(4), iou) == pytest.approx([0.5] * 4)
    assert np.isnan(calibrate(np.ones(4), iou).spearman)


def test_rank_correlation_gives_ties_their_mean_rank() -> None:
    # Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4.
    found = spearman(np.array([0.1, 0.4, 0.4, 0.9]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert found == pytest.approx(4.5 / np.sqrt(4.5 * 5))
    assert spearman(np.array([1.0, 2.0]), np.array([5.0, 3.0])) == pytest.approx(-1)


def test_a_quality_outside_0_to_1_falls_into_the_outer_bins() -> None:
    found = calibrate(np.array([-0.2, 1.3]), np.array([0.0, 1.0]))
    assert found.expected_calibration_error == pytest.approx(0.25)
