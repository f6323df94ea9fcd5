"""Means by class, size and split, and their bootstrap intervals."""

import numpy as np
import pytest

from boxmask.dataset import Category
from boxmask.evaluate.bootstrap import draw_sums, interval
from boxmask.evaluate.means import class_sums, size_masks
from boxmask.splits import NON_VOC, VOC, select

ALL = np.array([True, True, True])


def test_class_and_instance_means_of_a_hand_computed_example() -> None:
    # Class 0: 0.2, 0.4, 0.6 -> 0.4. Class 1: 1.0. Class 2 has no instance.
    sums = class_sums(np.array([0.2, 0.4, 0.6, 1.0]), np.array([0, 0, 0, 1]), 3)
    assert sums.class_mean(ALL) == pytest.approx(0.7)
    assert sums.instance_mean(ALL) == pytest.approx(0.55)
    assert sums.class_mean(np.array([True, False, True])) == pytest.approx(0.4)
    assert np.isnan(sums.class_mean(np.array([False, False, True])))
    assert np.isnan(sums.instance_mean(np.array([False, False, False])))


def test_overall_is_a_quarter_voc_and_three_quarters_non_voc_on_all_of_coco() -> None:
    random = np.random.default_rng(0)
    categories = [Category(id, name) for id, name in sorted((VOC | NON_VOC).items())]
    category = np.concatenate([np.arange(80), random.integers(0, 80, 500)])
    sums = class_sums(random.random(580), category, 80)
    voc = select("voc", categories)
    expected = 0.25 * sums.class_mean(voc) + 0.75 * sums.class_mean(~voc)
    assert sums.class_mean(np.ones(80, dtype=np.bool_)) == pytest.approx(expected)


def test_sizes_are_cut_at_the_areas_of_coco() -> None:
    areas = np.array([0, 1023, 1024, 9216, 9217], dtype=np.float64)
    found = {name: np.flatnonzero(mask).tolist() for name, mask in size_masks(areas).items()}
    assert found == {"small": [0, 1], "medium": [2, 3], "large": [4]}


def test_draws_are_the_same_every_time_and_shared_by_all_values() -> None:
    image, category = np.array([0, 0, 3, 7, 7]), np.array([0, 1, 0, 1, 2])
    one = draw_sums(np.ones(5), image, category, 3, draws=50)
    two = draw_sums(np.arange(5.0), image, category, 3, draws=50)
    assert np.array_equal(one.counts, two.counts)
    assert np.array_equal(one.sums, one.counts)


def test_instances_of_one_image_are_drawn_together() -> None:
    drawn = draw_sums(np.ones(6), np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 2, 2, 2]), 3)
    assert np.array_equal(drawn.counts[:, 0], 2 * drawn.counts[:, 1])
    assert np.array_equal(drawn.counts[:, 0] / 2 + drawn.counts[:, 2] / 3, np.full(1000, 2.0))


def test_the_interval_covers_the_truth_about_19_times_in_20() -> None:
    random = np.random.default_rng(1)
    image = np.repeat(np.arange(60), 3)
    covered = 0
    for _ in range(200):
        # Instances of one image share half of their luck, so they are worth less than 180.
        luck = random.normal(0.6, 0.1, 60)[image] + random.normal(0, 0.1, 180)
        drawn = draw_sums(luck, image, np.zeros(180, dtype=np.int64), 1, draws=200)
        low, high = interval(drawn.instance_mean(np.array([True])))
        covered += low <= 0.6 <= high
    assert 180 <= covered <= 199


def test_draws_without_any_instance_of_a_split_are_left_out() -> None:
    assert interval(np.array([np.nan, 0.5, 0.5])) == (0.5, 0.5)
    assert all(np.isnan(interval(np.array([np.nan]))))
