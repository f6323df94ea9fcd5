"""The losses: their algebra, who counts for how much, and that the unseen count for nothing."""

import math

import pytest
import torch
from torch import Tensor

from boxmask.models import Prediction, Views
from boxmask.train.data.batch import Batch, IoUSamples
from boxmask.train.loss import Totals, cross_entropy, dice, losses, shares
from boxmask.train.recipe import LossWeights

SIDE = 4


def batch(weights: list[float], index: list[int]) -> Batch:
    count = len(weights)
    views = Views(
        torch.zeros(max([*index, 0]) + 1, 3, 8, 8, dtype=torch.uint8),
        torch.zeros(count, 4),
        torch.tensor(index, dtype=torch.int64),
    )
    places = torch.arange(float(SIDE)).expand(count, SIDE)
    truth = IoUSamples(places, places, torch.ones(count, SIDE, SIDE).bool(), torch.zeros(count))
    targets = torch.rand(count, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    return Batch(views, targets, torch.tensor(weights), truth, tuple("x" * count))


def totals(*batches: Batch) -> Totals:
    return Totals(
        weight=sum(float(one.weights.sum()) for one in batches),
        images=float(sum(one.images for one in batches)),
    )


def predict(logits: Tensor, *, auxiliary: tuple[Tensor, ...] = ()) -> Prediction:
    quality = logits.mean(dim=(1, 2))
    return Prediction(logits, quality.sigmoid(), quality, auxiliary)


def test_cross_entropy_of_even_odds_is_log_two_whatever_the_target() -> None:
    found = cross_entropy(torch.zeros(3, SIDE, SIDE), torch.rand(3, SIDE, SIDE))
    torch.testing.assert_close(found, torch.full((3,), math.log(2)))


def test_dice_is_zero_for_the_truth_and_one_for_its_opposite() -> None:
    target = torch.zeros(1, SIDE, SIDE)
    target[0, :2] = 1
    sure = 100 * (2 * target - 1)
    torch.testing.assert_close(dice(sure, target), torch.zeros(1))
    torch.testing.assert_close(dice(-sure, target), torch.ones(1))


def test_dice_of_nothing_against_nothing_is_finite() -> None:
    nothing = torch.zeros(1, SIDE, SIDE)
    assert torch.isfinite(dice(nothing - 100, nothing)).all()


def test_normalised_by_image_every_image_counts_the_same() -> None:
    found = shares(batch([1, 1, 1, 1], [0, 0, 0, 1]), "image", Totals(weight=4, images=2))
    torch.testing.assert_close(found, torch.tensor([1 / 6, 1 / 6, 1 / 6, 1 / 2]))


def test_normalised_by_batch_every_box_counts_the_same() -> None:
    found = shares(batch([1, 0, 1, 1], [0, 0, 0, 1]), "batch", Totals(weight=3, images=2))
    torch.testing.assert_close(found, torch.tensor([1 / 3, 0, 1 / 3, 1 / 3]))


def test_normalised_by_pixels_follows_the_published_ratio() -> None:
    one = batch([1, 0], [0, 0])
    logits = torch.randn(2, SIDE, SIDE)
    loss = losses(
        predict(logits),
        one,
        config=LossWeights(mask=1.0, quality=0.0, normalise="pixels"),
        totals=totals(one),
    )["mask"]
    pixels = torch.nn.functional.binary_cross_entropy_with_logits(
        logits[0], one.targets[0], reduction="sum"
    )
    torch.testing.assert_close(loss, pixels / (SIDE * SIDE + 0.01))


NORMALISE = pytest.mark.parametrize(
    "config",
    [
        LossWeights(dice=1.0, normalise="image"),
        LossWeights(dice=1.0, normalise="batch"),
        LossWeights(dice=1.0, normalise="pixels"),
    ],
    ids=lambda config: config.normalise,
)


@NORMALISE
def test_a_box_of_no_weight_changes_neither_loss_nor_gradient(config: LossWeights) -> None:
    one = batch([1.0, 0.0], [0, 0])
    found = []
    for other in (0.0, 7.0):
        logits = torch.full((2, SIDE, SIDE), other)
        logits[0] = 0.3
        logits.requires_grad_()
        terms = losses(predict(logits), one, config=config, totals=totals(one))
        torch.autograd.backward(torch.stack(list(terms.values())).sum())
        assert logits.grad is not None
        assert not logits.grad[1].any()
        found.append(logits.grad[0].clone())
    assert torch.equal(*found)


@NORMALISE
def test_a_batch_without_boxes_has_no_loss_but_gradients(config: LossWeights) -> None:
    empty = batch([], [])
    weight = torch.ones(1, requires_grad=True)
    logits = (0 * weight).expand(0, SIDE, SIDE)
    terms = losses(predict(logits), empty, config=config, totals=totals(empty))
    loss = torch.stack(list(terms.values())).sum()
    torch.autograd.backward(loss)
    assert float(loss.detach()) == 0
    assert weight.grad is not None and not weight.grad.any()


@NORMALISE
def test_parts_add_up_to_the_whole(config: LossWeights) -> None:
    whole = batch([1, 0, 1, 1], [0, 0, 1, 1])
    logits = torch.randn(4, SIDE, SIDE)
    all_of_it = losses(predict(logits), whole, config=config, totals=totals(whole))
    halves = [
        Batch(
            Views(whole.views.pixels[i : i + 1], whole.views.boxes[:2], torch.zeros(2).long()),
            whole.targets[2 * i : 2 * i + 2],
            whole.weights[2 * i : 2 * i + 2],
            IoUSamples(
                *(getattr(whole.iou_samples, n)[:2] for n in ("rows", "columns", "bits", "missed"))
            ),
            whole.names[:2],
        )
        for i in range(2)
    ]
    summed = [
        losses(predict(logits[2 * i : 2 * i + 2]), half, config=config, totals=totals(*halves))
        for i, half in enumerate(halves)
    ]
    for name, value in all_of_it.items():
        torch.testing.assert_close(summed[0][name] + summed[1][name], value)


def test_earlier_stages_share_the_mask_loss() -> None:
    one = batch([1.0], [0])
    logits, earlier = torch.randn(1, SIDE, SIDE), torch.randn(1, SIDE, SIDE)
    prediction = predict(logits, auxiliary=(earlier,))
    config = LossWeights(mask=1.0, quality=0.0)
    found = losses(prediction, one, config=config, totals=totals(one))["mask"]
    each = [cross_entropy(stage, one.targets).sum() for stage in (logits, earlier)]
    torch.testing.assert_close(found, (each[0] + each[1]) / 2)
