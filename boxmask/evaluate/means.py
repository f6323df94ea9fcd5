"""Means of a value over instances: by class, then over the classes of a split; and of instances.

Shapes: S instances, C categories, B bootstrap draws. Class mean: the mean over the instances of a
class, then over the classes that have any. Instance mean: all instances alike.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from boxmask.dataset import IntArray
from boxmask.evaluate.mask_file import FloatArray

BoolArray = npt.NDArray[np.bool_]

SMALL = 32.0**2  # COCO: an object is small below this many pixels of mask,
LARGE = 96.0**2  # medium up to this, and large above
SIZES = ("small", "medium", "large")


@dataclass(frozen=True, eq=False)
class ClassSums:
    """Per class, the sum of a value and how many instances it has; leading axes are draws."""

    sums: FloatArray  # (..., C)
    counts: FloatArray  # (..., C)

    def class_mean(self, split: BoolArray) -> FloatArray:
        """Return (...): the mean over the split's (C,) classes of their means, NaN if none."""
        sums, counts = self.sums[..., split], self.counts[..., split]
        means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
        return divide(means.sum(axis=-1), (counts > 0).sum(axis=-1))

    def instance_mean(self, split: BoolArray) -> FloatArray:
        """Return (...): the mean over all instances of the split's (C,) classes, NaN if none."""
        return divide(self.sums[..., split].sum(-1), self.counts[..., split].sum(-1))


def divide(top: npt.ArrayLike, bottom: npt.ArrayLike) -> FloatArray:
    """Divide, with NaN where there is nothing to divide by."""
    top, bottom = np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64)
    return np.asarray(np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0))


def class_sums(values: FloatArray, category: IntArray, categories: int) -> ClassSums:
    """Add up values (S,) by category (S,), those that are not NaN."""
    known = ~np.isnan(values)
    values, category = values[known], category[known]
    return ClassSums(
        np.bincount(category, values, categories).astype(np.float64),
        np.bincount(category, minlength=categories).astype(np.float64),
    )


def size_masks(areas: FloatArray) -> dict[str, BoolArray]:
    """Sort instances (S,) by the pixels of their true mask, where COCO draws the lines."""
    small, large = areas < SMALL, areas > LARGE
    return dict(zip(SIZES, (small, ~small & ~large, large), strict=True))
