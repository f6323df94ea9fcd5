"""The evaluation from end to end: read, pair, measure on all cores, score, compare.

Shapes: S instances; T R C A the axes of average_precision.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from boxmask.evaluate.average_precision import category_precision, category_tasks
from boxmask.evaluate.given import given_boxes, loosening, mean_box_iou
from boxmask.evaluate.job import EvaluateJob, Progress, no_progress
from boxmask.evaluate.mask_file import FloatArray, MaskFile
from boxmask.evaluate.means import BoolArray
from boxmask.evaluate.measure import InstanceMasks, Measurements, join, mask_record, measure
from boxmask.evaluate.metrics import METRICS
from boxmask.evaluate.pairing import Instances, Pairing, instances_to_score, pair
from boxmask.evaluate.pool import Pool
from boxmask.evaluate.predictions import Predictions, load_predictions
from boxmask.evaluate.reading import read_masks
from boxmask.evaluate.report import FORMAT, EvaluationReport, Loosening, SplitSize
from boxmask.evaluate.scoring import GroundTruth, SystemMeasurements, compare, score
from boxmask.splits import select

_CHUNK = 500
# Below this many masks, starting processes takes longer than they save.
_WORTH_PROCESSES = 10_000


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The report, and what was measured of each instance for those who draw it."""

    report: EvaluationReport
    ground: GroundTruth
    systems: list[SystemMeasurements]


def evaluate(job: EvaluateJob, progress: Progress = no_progress) -> Evaluation:
    """Evaluate every system of a job on the same instances."""
    job.validate()
    truth = read_masks(job.ground_truth, predicted=False, bbox=job.bbox)
    instances = instances_to_score(truth)
    splits = splits_of(job, truth)
    with given_boxes(job, truth) as given:
        predictions = load_predictions(job, given, instances, progress)
        moved = loosening(job, truth, given, instances)
    pairings = [pair(truth, instances, masks) for masks in predictions.masks.values()]
    many = len(instances.rows) * len(pairings) >= _WORTH_PROCESSES
    with Pool(job.workers if many else 1) as pool:
        chunks = _instance_chunks(truth, instances, list(predictions.masks.values()), pairings)
        found = _measure_chunks(chunks, len(instances.rows), pool, progress)
        ground = GroundTruth(truth, instances, found.areas, splits)
        measured = [
            _measure_system(name, masks, pairing, ground, values, pool, progress)
            for (name, masks), pairing, values in zip(
                predictions.masks.items(), pairings, found.values, strict=True
            )
        ]
    return Evaluation(_report(job, ground, measured, moved, predictions), ground, measured)


def splits_of(job: EvaluateJob, truth: MaskFile) -> dict[str, BoolArray]:
    splits = {"overall": select("all", truth.categories)}
    if job.seen is not None:
        seen = select(job.seen, truth.categories)
        splits |= {"seen": seen, "unseen": ~seen}
    return splits | {name: select(text, truth.categories) for name, text in job.splits.items()}


def _instance_chunks(
    truth: MaskFile,
    instances: Instances,
    predicted: Sequence[MaskFile],
    pairings: Sequence[Pairing],
) -> Iterator[list[InstanceMasks]]:
    """Yield the instances in their order, each with the predictions that belong to it."""

    def instance(place: int) -> InstanceMasks:
        image = truth.images[instances.image[place]]
        rows = [int(pairing.rows[place]) for pairing in pairings]
        return InstanceMasks(
            (image.width, image.height),
            mask_record(truth, int(instances.rows[place])),
            tuple(
                None if row < 0 else mask_record(masks, row)
                for masks, row in zip(predicted, rows, strict=True)
            ),
        )

    total = len(instances.rows)
    for first in range(0, total, _CHUNK):
        yield [instance(place) for place in range(first, min(first + _CHUNK, total))]


def _measure_chunks(
    chunks: Iterator[list[InstanceMasks]], total: int, pool: Pool, progress: Progress
) -> Measurements:
    """Measure all instances by the metrics that METRICS holds now."""
    parts, done = [], 0
    for part in pool.in_order(partial(measure, metrics=dict(METRICS)), chunks):
        parts.append(part)
        done += len(part.areas)
        progress("measuring masks", done, total)
    return join(parts)


def _measure_system(
    name: str,
    masks: MaskFile,
    pairing: Pairing,
    ground: GroundTruth,
    values: dict[str, FloatArray],
    pool: Pool,
    progress: Progress,
) -> SystemMeasurements:
    scores, ranked_by = _ranking(masks)
    precisions = []
    for part in pool.in_order(category_precision, category_tasks(ground.truth, masks, scores)):
        precisions.append(part)
        progress(f"mask AP of {name}", len(precisions), len(ground.truth.categories))
    paired = pairing.rows >= 0
    return SystemMeasurements(
        name=name,
        pairing=pairing,
        values=values,
        quality=np.where(paired, masks.qualities[pairing.rows], np.nan),
        precisions=np.stack(precisions, 2),
        ap_ranked_by=ranked_by,
        box_iou=mean_box_iou(ground.truth, ground.instances, masks, pairing),
    )


def _ranking(masks: MaskFile) -> tuple[FloatArray, str]:
    """Return what AP ranks the predictions (N,) by, and what that is."""
    usable = np.array([not reason for reason in masks.skip_reasons], dtype=np.bool_)
    for values, what in ((masks.scores, "score"), (masks.qualities, "predicted_iou")):
        if usable.any() and not np.isnan(values[usable & ~masks.is_crowd]).any():
            return values, what
    return np.ones(len(masks)), "constant"


def _report(
    job: EvaluateJob,
    ground: GroundTruth,
    measured: list[SystemMeasurements],
    moved: Loosening | None,
    predictions: Predictions,
) -> EvaluationReport:
    category = ground.instances.category
    return EvaluationReport(
        format=FORMAT,
        ground_truth=job.ground_truth.name,
        images=len(np.unique(ground.instances.image)),
        rectangles=int(ground.truth.rectangles[ground.instances.rows].sum()),
        left_out=ground.instances.left_out,
        seen=job.seen,
        loosening=moved,
        told=predictions.told,
        splits={
            name: SplitSize(len(np.unique(category[inside])), int(inside.sum()))
            for name, split in ground.splits.items()
            for inside in [ground.inside(split)]
        },
        systems=[score(ground, system) for system in measured],
        differences=[compare(ground, measured[0], other) for other in measured[1:]],
        shortage=predictions.shortage or _explain_unmatched(measured),
    )


def _explain_unmatched(measured: list[SystemMeasurements]) -> str:
    """Tell of the first system that has no prediction of any true mask; "" if there is none."""
    for system in measured:
        if (system.pairing.rows < 0).all():
            reasons = ", ".join(f"{why} ({n:,})" for why, n in system.pairing.missing.items())
            return f"{system.name} has no mask of any true one: {reasons}."
    return ""
