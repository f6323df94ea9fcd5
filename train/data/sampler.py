"""Which item of the data comes when: a pure function of the seed and the position.

Nothing here has a state, so a run that stops and resumes sees what it would have seen.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Draw:
    """One item of an epoch; epoch and place together seed everything random about it."""

    epoch: int
    place: int
    item: int


class Sampler:
    """Passes over weighted items: each comes weight times in an epoch, rounded up or down."""

    def __init__(self, weights: Weights, *, seed: int) -> None:
        self.weights = weights * (len(weights) / weights.sum())
        self.seed = seed
        self.orders: dict[int, IntArray] = {}

    def order(self, epoch: int) -> IntArray:
        """Return the items of an epoch in their order; the last one asked for is kept."""
        if epoch not in self.orders:
            self.orders = {epoch: self._shuffle(epoch)}
        return self.orders[epoch]

    def _shuffle(self, epoch: int) -> IntArray:
        """Draw as many items as there are, by systematic resampling, and shuffle them."""
        random = np.random.default_rng((self.seed, epoch))
        edges = np.floor(np.cumsum(self.weights) + random.random())
        counts = np.diff(edges, prepend=0.0).astype(np.int64)
        items = np.repeat(np.arange(len(self.weights)), counts)
        return random.permutation(items)

    def draw(self, position: int) -> Draw:
        """Name the item at a position of the endless sequence of epochs."""
        epoch, place = divmod(position, len(self.weights))
        order = self.order(epoch)
        return Draw(epoch, place, int(order[place % len(order)]))


def balancing_weights(groups: IntArray, *, power: float) -> Weights:
    """Weigh items so that groups are drawn by frequency (power 0) to equally often (1).

    Items of no group, -1, are one of their own.
    """
    counts = np.bincount(groups + 1)
    return np.asarray(counts[groups + 1].astype(np.float64) ** -power)
