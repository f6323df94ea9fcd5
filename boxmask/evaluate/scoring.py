"""Scores systems by split from what was measured of each instance, and compares two of them.

Shapes: S instances, C categories, B bootstrap draws; T R C A the axes of average_precision.py.
"""

from dataclasses import dataclass

import numpy as np

from boxmask.dataset import IntArray
from boxmask.evaluate.average_precision import average_precisions, category_order
from boxmask.evaluate.bootstrap import draw_sums, interval
from boxmask.evaluate.calibration import Calibration, calibrate
from boxmask.evaluate.mask_file import FloatArray, MaskFile
from boxmask.evaluate.means import BoolArray, ClassSums, class_sums, divide, size_masks
from boxmask.evaluate.pairing import Instances, Pairing
from boxmask.evaluate.report import (
    ClassScore,
    Difference,
    Mean,
    SizeScore,
    SplitDifference,
    SplitScore,
    SystemScore,
)


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """What all systems share: the instances, their true areas, and the splits."""

    truth: MaskFile
    instances: Instances
    areas: FloatArray  # (S,) pixels of the true mask
    splits: dict[str, BoolArray]  # each (C,)

    def inside(self, split: BoolArray) -> BoolArray:
        """Return which instances (S,) belong to a split (C,)."""
        return split[self.instances.category]


@dataclass(frozen=True, eq=False)
class SystemMeasurements:
    """What was measured of one system for each instance."""

    name: str
    pairing: Pairing
    values: dict[str, FloatArray]  # by metric (S,)
    quality: FloatArray  # (S,) predicted IoU, NaN where there is none
    precisions: FloatArray  # (T, R, C, A)
    ap_ranked_by: str
    box_iou: float  # mean, of the boxes it was given with the true ones

    @property
    def iou(self) -> FloatArray:
        """Return the IoU of each instance (S,), 0 where there is no prediction."""
        return self.values["iou"]


@dataclass(frozen=True, eq=False)
class SumsWithDraws:
    """A value's class sums, as measured () and in the bootstrap draws (B,)."""

    exact: ClassSums
    drawn: ClassSums

    def mean(self, split: BoolArray) -> Mean:
        """Average over a split, in both ways."""
        return Mean(
            float(self.exact.class_mean(split)),
            interval(self.drawn.class_mean(split)),
            float(self.exact.instance_mean(split)),
            interval(self.drawn.instance_mean(split)),
        )

    def gap(self, one: BoolArray, other: BoolArray) -> Mean:
        """Average over one split minus the average over another."""
        exact, drawn = self.exact, self.drawn
        return Mean(
            float(exact.class_mean(one) - exact.class_mean(other)),
            interval(drawn.class_mean(one) - drawn.class_mean(other)),
            float(exact.instance_mean(one) - exact.instance_mean(other)),
            interval(drawn.instance_mean(one) - drawn.instance_mean(other)),
        )


def sum_with_draws(ground: GroundTruth, values: FloatArray) -> SumsWithDraws:
    """Add up values (S,) by class, as they are and over bootstrap draws of the images."""
    image, category = ground.instances.image, ground.instances.category
    number = len(ground.truth.categories)
    return SumsWithDraws(
        class_sums(values, category, number), draw_sums(values, image, category, number)
    )


def score(ground: GroundTruth, system: SystemMeasurements) -> SystemScore:
    """Score one system on every split and class."""
    sums = {metric: sum_with_draws(ground, values) for metric, values in system.values.items()}
    order = category_order(ground.truth)
    splits = {
        name: SplitScore(
            means={metric: found.mean(split) for metric, found in sums.items()},
            sizes=_sizes(ground, system.iou, split),
            calibration=_calibration(system, ground.inside(split)),
            ap=average_precisions(system.precisions, [index for index in order if split[index]]),
        )
        for name, split in ground.splits.items()
    }
    seen, unseen = ground.splits.get("seen"), ground.splits.get("unseen")
    return SystemScore(
        name=system.name,
        ap_ranked_by=system.ap_ranked_by,
        missing=system.pairing.missing,
        missing_ids=list(system.pairing.missing_ids),
        extra=system.pairing.extra,
        extra_ids=list(system.pairing.extra_ids),
        box_iou=system.box_iou,
        splits=splits,
        gap=None if seen is None or unseen is None else sums["iou"].gap(seen, unseen),
        classes=_classes(ground, system, {metric: found.exact for metric, found in sums.items()}),
    )


def compare(
    ground: GroundTruth, first: SystemMeasurements, second: SystemMeasurements
) -> Difference:
    """Average first minus second, instance by instance: a paired bootstrap over images."""
    differences = {metric: first.values[metric] - second.values[metric] for metric in first.values}
    sums = {metric: sum_with_draws(ground, values) for metric, values in differences.items()}
    splits = {}
    for name, split in ground.splits.items():
        inside = differences["iou"][ground.inside(split)]
        number = max(1, len(inside))
        splits[name] = SplitDifference(
            means={metric: found.mean(split) for metric, found in sums.items()},
            better=float(np.count_nonzero(inside > 0) / number),
            worse=float(np.count_nonzero(inside < 0) / number),
        )
    return Difference(first.name, second.name, splits)


def _sizes(ground: GroundTruth, iou: FloatArray, split: BoolArray) -> dict[str, SizeScore]:
    scores = {}
    for name, sized in size_masks(ground.areas).items():
        category: IntArray = ground.instances.category[sized]
        sums = class_sums(iou[sized], category, len(split))
        number = int(sums.counts[split].sum())
        scores[name] = SizeScore(
            number, float(sums.class_mean(split)), float(sums.instance_mean(split))
        )
    return scores


def _calibration(system: SystemMeasurements, inside: BoolArray) -> Calibration | None:
    known = inside & ~np.isnan(system.quality)
    return calibrate(system.quality[known], system.iou[known]) if known.any() else None


def _classes(
    ground: GroundTruth, system: SystemMeasurements, sums: dict[str, ClassSums]
) -> list[ClassScore]:
    means = {metric: divide(found.sums, found.counts) for metric, found in sums.items()}
    instances = np.bincount(ground.instances.category, minlength=len(ground.truth.categories))
    seen = ground.splits.get("seen")
    return [
        ClassScore(
            id=category.id,
            name=category.name,
            seen=None if seen is None else bool(seen[index]),
            instances=int(instances[index]),
            means={metric: float(mean[index]) for metric, mean in means.items()},
            ap=average_precisions(system.precisions, [index])["AP"],
        )
        for index, category in enumerate(ground.truth.categories)
        if instances[index]
    ]
