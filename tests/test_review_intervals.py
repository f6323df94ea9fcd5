"""Exact bounds of a share in a finite set: never wrong more often than they say."""

from collections.abc import Iterable
from itertools import product
from math import comb

import pytest

from boxmask.review.intervals import at_least, least_good, most_good


def chance(population: int, good: int, sample: int, found: int) -> float:
    """The hypergeometric law, in whole numbers."""
    ways = comb(good, found) * comb(population - good, sample - found)
    return ways / comb(population, sample)


def binomial(sample: int, share: float, found: Iterable[int]) -> float:
    """The chance of so many good ones where the set is endless."""
    return sum(comb(sample, x) * share**x * (1 - share) ** (sample - x) for x in found)


@pytest.mark.parametrize(("population", "good", "sample"), [(40, 33, 12), (9, 0, 4), (9, 9, 4)])
def test_tails_are_those_of_whole_numbers(population: int, good: int, sample: int) -> None:
    for found in range(sample + 2):
        exact = sum(chance(population, good, sample, x) for x in range(found, sample + 1))
        assert at_least(population, good, sample, found) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize(("population", "sample"), [(30, 10), (300, 60), (300, 299), (7, 7)])
def test_the_interval_covers_whatever_the_truth_is(population: int, sample: int) -> None:
    bounds = [
        (
            least_good(population, sample, x, alpha=0.025),
            most_good(population, sample, x, alpha=0.025),
        )
        for x in range(sample + 1)
    ]
    for good in range(population + 1):
        possible = range(max(0, sample - population + good), min(sample, good) + 1)
        held = [x for x in possible if bounds[x][0] <= good <= bounds[x][1]]
        assert sum(chance(population, good, sample, x) for x in held) >= 0.95


def test_bounds_never_contradict_what_was_seen() -> None:
    for sample, good in product([5, 20], [0, 5]):
        low = least_good(20, sample, good, alpha=0.025)
        high = most_good(20, sample, good, alpha=0.025)
        assert good <= low <= high <= 20 - (sample - good)


def test_large_sets_give_clopper_and_pearson_s_bounds() -> None:
    low, high = (bound(10**8, 200, 170, alpha=0.025) / 10**8 for bound in (least_good, most_good))
    assert binomial(200, low, range(170, 201)) == pytest.approx(0.025, rel=1e-4)
    assert binomial(200, high, range(171)) == pytest.approx(0.025, rel=1e-4)


def test_nothing_drawn_tells_nothing() -> None:
    assert least_good(50, 0, 0, alpha=0.025) == 0 and most_good(50, 0, 0, alpha=0.025) == 50
    assert least_good(0, 0, 0, alpha=0.025) == 0 and most_good(0, 0, 0, alpha=0.025) == 0
