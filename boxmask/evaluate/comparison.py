"""Compares two systems on the very same instances: a paired bootstrap over images."""

import numpy as np

from boxmask.evaluate.report import Difference, SplitDifference
from boxmask.evaluate.scoring import Ground, Measured, spread


def compare(ground: Ground, first: Measured, second: Measured) -> Difference:
    """Average first minus second, instance by instance, over every split."""
    difference = first.iou - second.iou
    iou = spread(ground, difference)
    boundary = spread(ground, first.boundary_iou - second.boundary_iou)
    splits = {}
    for name, split in ground.splits.items():
        inside = difference[ground.inside(split)]
        number = max(1, len(inside))
        splits[name] = SplitDifference(
            iou=iou.mean(split),
            boundary_iou=boundary.mean(split),
            better=float(np.count_nonzero(inside > 0) / number),
            worse=float(np.count_nonzero(inside < 0) / number),
        )
    return Difference(first.name, second.name, splits)
