"""Scores systems by split from their IoU of each instance.

Letters: S instances, C categories, B bootstrap draws; T R C A the axes of precision.py.
"""

from dataclasses import dataclass

import numpy as np

from boxmask.dataset import IntArray
from boxmask.evaluate.bootstrap import draw_sums, interval
from boxmask.evaluate.calibration import Calibration, calibrate
from boxmask.evaluate.maskfile import FloatArray, MaskFile
from boxmask.evaluate.means import BoolArray, ClassSums, class_sums, divide, size_masks
from boxmask.evaluate.pairing import Instances, Pairing
from boxmask.evaluate.precision import category_order, figures
from boxmask.evaluate.report import ClassScore, Mean, SizeScore, SplitScore, SystemScore


@dataclass(frozen=True, eq=False)
class Ground:
    """What all systems share: the instances, their true areas, and the splits."""

    truth: MaskFile
    instances: Instances
    areas: FloatArray  # (S,) pixels of the true mask
    splits: dict[str, BoolArray]  # each (C,)

    def inside(self, split: BoolArray) -> BoolArray:
        """Return which instances (S,) belong to a split (C,)."""
        return split[self.instances.category]


@dataclass(frozen=True, eq=False)
class Measured:
    """One system's figures for each instance; a missing prediction has IoU 0."""

    name: str
    pairing: Pairing
    iou: FloatArray  # (S,)
    boundary_iou: FloatArray  # (S,)
    quality: FloatArray  # (S,) predicted IoU, NaN where there is none
    precisions: FloatArray  # (T, R, C, A)
    ap_ranked_by: str
    box_iou: float  # mean, of the boxes it was given with the true ones


@dataclass(frozen=True, eq=False)
class Spread:
    """A value's class sums, in truth () and in the bootstrap draws (B,)."""

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


def spread(ground: Ground, values: FloatArray) -> Spread:
    """Add up values (S,) by class, as they are and over bootstrap draws of the images."""
    image, category = ground.instances.image, ground.instances.category
    number = len(ground.truth.categories)
    return Spread(class_sums(values, category, number), draw_sums(values, image, category, number))


def score(ground: Ground, system: Measured) -> SystemScore:
    """Score one system on every split and class."""
    iou, boundary = spread(ground, system.iou), spread(ground, system.boundary_iou)
    order = category_order(ground.truth)
    splits = {
        name: SplitScore(
            iou=iou.mean(split),
            boundary_iou=boundary.mean(split),
            sizes=_sizes(ground, system.iou, split),
            calibration=_calibration(system, ground.inside(split)),
            ap=figures(system.precisions, [index for index in order if split[index]]),
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
        gap=None if seen is None or unseen is None else iou.gap(seen, unseen),
        classes=_classes(ground, system, iou.exact, boundary.exact),
    )


def _sizes(ground: Ground, iou: FloatArray, split: BoolArray) -> dict[str, SizeScore]:
    scores = {}
    for name, sized in size_masks(ground.areas).items():
        category: IntArray = ground.instances.category[sized]
        sums = class_sums(iou[sized], category, len(split))
        number = int(sums.counts[split].sum())
        scores[name] = SizeScore(
            number, float(sums.class_mean(split)), float(sums.instance_mean(split))
        )
    return scores


def _calibration(system: Measured, inside: BoolArray) -> Calibration | None:
    known = inside & ~np.isnan(system.quality)
    return calibrate(system.quality[known], system.iou[known]) if known.any() else None


def _classes(
    ground: Ground, system: Measured, iou: ClassSums, boundary: ClassSums
) -> list[ClassScore]:
    iou_means = divide(iou.sums, iou.counts)
    boundary_means = divide(boundary.sums, boundary.counts)
    seen = ground.splits.get("seen")
    return [
        ClassScore(
            id=category.id,
            name=category.name,
            seen=None if seen is None else bool(seen[index]),
            instances=int(iou.counts[index]),
            iou=float(iou_means[index]),
            boundary_iou=float(boundary_means[index]),
            ap=figures(system.precisions, [index])["AP"],
        )
        for index, category in enumerate(ground.truth.categories)
        if iou.counts[index]
    ]
