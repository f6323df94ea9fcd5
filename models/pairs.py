"""When views are computed in pairs: in long runs, where it takes less time than one by one.

Weights are then read once for two views. Where few views come at once, or few at all, a pair would
be half empty, or not worth its compiling.
"""

from collections import Counter

from boxmask.models.graph import PAIR

SAMPLE = 3  # views that a pair has to compute to the bit as they are alone: a pair and a half one
_MANY = 256  # views of a side, from which on compiling has paid after as many again
_AT_ONCE = 16  # views in one question


class Pairs:
    """Which sides of views are computed in pairs."""

    def __init__(self, threads: int) -> None:
        self._at_once = max(_AT_ONCE, PAIR * threads)  # with fewer, threads would be idle
        self._seen: Counter[int] = Counter()
        self._paired: set[int] = set()
        self._given_up: set[int] = set()

    def would_pay(self, side: int, count: int) -> bool:
        """Take notice of a question of `count` views; tell if they had better be paired."""
        if side in self._paired | self._given_up or count < self._at_once:
            return False
        self._seen[side] += count
        return self._seen[side] >= _MANY

    def begin(self, side: int) -> None:
        """Compute views of a side in pairs from now on."""
        self._paired.add(side)

    def give_up(self, side: int) -> None:
        """Compute views one by one again: on this CPU a pair is not to the bit what they are."""
        self._paired.discard(side)
        self._given_up.add(side)

    def views(self, side: int) -> int:
        """Return how many views a request is of."""
        return PAIR if side in self._paired else 1
