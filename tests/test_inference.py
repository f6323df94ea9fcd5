"""Thresholds are where the expected IoU is greatest, and mirrored views have mirrored masks."""

from itertools import product

import numpy as np
import pytest
import torch
from annotation_files import tiny_network
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from boxmask.models import ModelConfig, Views, cut_views
from boxmask.models.crop import crop
from boxmask.models.inference import predict_masks
from boxmask.models.threshold import expected_iou, shift_to_best_threshold
from boxmask.models.threshold_arrays import MIN_EXPECTED_IOU

PROBABILITIES = st.lists(st.floats(0.02, 0.98), min_size=4, max_size=4)


def overlap(probabilities: Tensor, chosen: Tensor) -> float:
    """The expected intersection of chosen pixels with the truth over the expected union."""
    return float((probabilities * chosen).sum() / (chosen + probabilities * ~chosen).sum())


@given(levels=PROBABILITIES)
def test_no_choice_of_pixels_is_expected_to_overlap_more(levels: list[float]) -> None:
    probabilities = torch.tensor(levels)
    choices = [torch.tensor(bits) for bits in product([True, False], repeat=4) if any(bits)]
    best = max(overlap(probabilities, chosen) for chosen in choices)
    logits = probabilities.logit().view(1, 2, 2)
    assert expected_iou(logits).item() == pytest.approx(best, rel=1e-4)
    if best > MIN_EXPECTED_IOU:
        cut = shift_to_best_threshold(logits).flatten() > 0
        assert overlap(probabilities, cut) == pytest.approx(best, rel=1e-3)


def test_a_mask_without_doubt_is_cut_at_a_half() -> None:
    logits = torch.tensor([[[30.0, -30.0], [30.0, 30.0]]])
    assert torch.equal(shift_to_best_threshold(logits), logits)


def test_a_mask_in_great_doubt_is_not_spread_over_the_box() -> None:
    logits = torch.full((1, 4, 4), 0.01).logit()
    assert (shift_to_best_threshold(logits) < 0).all()


def test_a_mirrored_view_is_sampled_at_the_same_places() -> None:
    image = np.random.default_rng(0).integers(0, 255, (50, 70, 3), dtype=np.uint8)
    config = ModelConfig(family="deepmac", backbone="tiny", image_size=64)
    views = cut_views(config, image, np.array([[3.0, 5, 31, 40], [60, 2, 70, 9]]))
    seen, mirrored = (
        crop(one.pixels.float(), one.boxes, index=one.index, size=9)
        for one in (views, views.mirrored())
    )
    torch.testing.assert_close(mirrored.flip(-1), seen, atol=0.02, rtol=0)


def test_masks_by_flip_do_not_depend_on_which_side_was_shown() -> None:
    network = tiny_network().eval()
    pixels = torch.randint(0, 255, (3, 3, 64, 64), dtype=torch.uint8)
    views = Views(pixels, torch.tensor([[0.1, 0.2, 0.8, 0.9]] * 3), torch.arange(3))
    with torch.no_grad():
        here, there = (
            predict_masks(network, views, flip=True),
            predict_masks(network, views.mirrored(), flip=True),
        )
        once = predict_masks(network, views)
    torch.testing.assert_close(there.probabilities.flip(-1), here.probabilities)
    torch.testing.assert_close(there.quality, here.quality)
    assert not torch.equal(once.probabilities, here.probabilities)
