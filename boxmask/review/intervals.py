"""Exact confidence bounds of a share in a finite set, from a random sample without replacement.

Letters: M things in the set, K of them good, n in the sample, x of those good. How many of a sample
are good follows the hypergeometric law, whatever the set looks like; a bound is the last K that a
one-sided test at the level alpha does not refute. So it errs at most alpha of the time, as
Clopper and Pearson's does for endless sets, and closes on the truth as the sample grows to the set.
"""

from collections.abc import Callable
from math import exp, lgamma


def least_good(population: int, sample: int, good: int, *, alpha: float) -> int:
    """Return the lower bound of K: with fewer, x or more would be too rare."""
    return _first(
        good,
        population - (sample - good),
        lambda k: at_least(population, k, sample, good) > alpha,
    )


def most_good(population: int, sample: int, good: int, *, alpha: float) -> int:
    """Return the upper bound of K: what is not good has its lower bound."""
    return population - least_good(population, sample, sample - good, alpha=alpha)


def at_least(population: int, good: int, sample: int, found: int) -> float:
    """Return the probability of x or more good ones in a sample."""
    low, high = max(0, sample - (population - good)), min(sample, good)
    if found <= low:
        return 1.0
    return min(
        1.0, sum(exp(_log_chance(population, good, sample, x)) for x in range(found, high + 1))
    )


def _log_chance(population: int, good: int, sample: int, found: int) -> float:
    rest = population - good
    return (
        _log_choices(good, found)
        + _log_choices(rest, sample - found)
        - _log_choices(population, sample)
    )


def _log_choices(of: int, taken: int) -> float:
    return lgamma(of + 1) - lgamma(taken + 1) - lgamma(of - taken + 1)


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """Return the first number from low to high that holds, where all after it do, and `high`."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
