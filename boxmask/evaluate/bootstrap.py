"""95 % intervals by a bootstrap over images: instances of one image stand or fall together.

Shapes: S instances, C categories, B draws, G (image, category) cells that hold any instance.
"""

import numpy as np

from boxmask.dataset import IntArray
from boxmask.evaluate.mask_file import FloatArray
from boxmask.evaluate.means import ClassSums

DRAWS = 1000
SEED = 20211


def draw_sums(
    values: FloatArray, image: IntArray, category: IntArray, categories: int, *, draws: int = DRAWS
) -> ClassSums:
    """Return the class sums (B, C) of `draws` samples of the images, with replacement.

    The draws depend on the images alone, so two systems scored on the same instances get the same
    draws, and the difference of their means draw by draw is a paired bootstrap. A value that is NaN
    counts for nothing.
    """
    known = ~np.isnan(values)
    images = np.unique(image, return_inverse=True)[1]
    number = int(images.max()) + 1
    cell, place = np.unique((images * categories + category)[known], return_inverse=True)
    cell_image, cell_category = cell // categories, cell % categories
    sums = np.bincount(place, weights=values[known])
    counts = np.bincount(place).astype(np.float64)
    drawn = ClassSums(np.empty((draws, categories)), np.empty((draws, categories)))
    random = np.random.default_rng(SEED)
    for draw in range(draws):
        picked = np.bincount(random.integers(number, size=number), minlength=number)[cell_image]
        drawn.sums[draw] = np.bincount(cell_category, picked * sums, minlength=categories)
        drawn.counts[draw] = np.bincount(cell_category, picked * counts, minlength=categories)
    return drawn


def interval(values: FloatArray) -> tuple[float, float]:
    """Return the central 95 % of draws (B,), leaving out those that drew no instance."""
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, (2.5, 97.5))
    return float(low), float(high)
