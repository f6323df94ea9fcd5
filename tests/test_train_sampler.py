"""What comes when: a pure function, fair over an epoch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxmask.train.data.sampler import Sampler, balancing_weights


def epoch(sampler: Sampler, number: int, count: int) -> list[int]:
    return [sampler.draw(number * count + place).item for place in range(count)]


def test_equal_weights_draw_every_item_once_an_epoch() -> None:
    sampler = Sampler(np.ones(50), seed=3)
    first, second = epoch(sampler, 0, 50), epoch(sampler, 1, 50)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second


@settings(deadline=None, max_examples=30)
@given(weights=st.lists(st.floats(0.01, 10), min_size=1, max_size=40), seed=st.integers(0, 99))
def test_an_item_is_drawn_as_often_as_it_weighs(weights: list[float], seed: int) -> None:
    sampler = Sampler(np.array(weights), seed=seed)
    counts = np.bincount(epoch(sampler, 0, len(weights)), minlength=len(weights))
    expected = np.array(weights) * len(weights) / sum(weights)
    assert np.abs(counts - expected).max() < 2


def test_a_draw_depends_on_nothing_but_its_position() -> None:
    forwards, backwards = Sampler(np.ones(9), seed=1), Sampler(np.ones(9), seed=1)
    there = [forwards.draw(position) for position in range(40)]
    back = [backwards.draw(position) for position in reversed(range(40))]
    assert there == back[::-1]


@pytest.mark.parametrize(("power", "ratio"), [(0.0, 9.0), (0.5, 3.0), (1.0, 1.0)])
def test_balance_goes_from_by_frequency_to_equally_often(power: float, ratio: float) -> None:
    groups = np.array([0] * 9 + [1])
    weights = balancing_weights(groups, power=power)
    assert weights[groups == 0].sum() / weights[groups == 1].sum() == pytest.approx(ratio)
