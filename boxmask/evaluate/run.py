"""The evaluation from end to end: read, pair, measure on all cores, score, compare.

Letters: S instances; T R C A the axes of precision.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from boxmask.annotate.told import Told
from boxmask.evaluate.comparison import compare
from boxmask.evaluate.given import given_boxes, loosening, mean_box_iou
from boxmask.evaluate.job import Job, Progress, silent
from boxmask.evaluate.maskfile import FloatArray, MaskFile
from boxmask.evaluate.means import BoolArray
from boxmask.evaluate.measure import Instance, located, measure
from boxmask.evaluate.pairing import Instances, Pairing, pair, scored
from boxmask.evaluate.pool import Pool
from boxmask.evaluate.precision import category_precision, category_tasks
from boxmask.evaluate.reading import read_masks
from boxmask.evaluate.report import FORMAT, Loosening, Report, SplitSize
from boxmask.evaluate.scoring import Ground, Measured, score
from boxmask.evaluate.systems import systems
from boxmask.splits import select

_CHUNK = 500
# Below this many masks, starting processes takes longer than they save.
_WORTH_PROCESSES = 10_000


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The report, and the instances behind it for whoever wants to draw them."""

    report: Report
    ground: Ground
    systems: list[Measured]


def run(job: Job, progress: Progress = silent) -> Evaluation:
    """Evaluate every system of a job on the same instances."""
    job.check()
    truth = read_masks(job.ground_truth, predicted=False)
    instances = scored(truth)
    splits = _splits(job, truth)
    with given_boxes(job, truth) as given:
        named, told = systems(job, given, instances, progress)
        moved = loosening(job, truth, given, instances)
    pairings = [pair(truth, instances, masks) for masks in named.values()]
    many = len(instances.rows) * len(named) >= _WORTH_PROCESSES
    with Pool(job.workers if many else 1) as pool:
        parts = _measure(truth, instances, list(named.values()), pairings, pool, progress)
        table = np.concatenate(list(parts))
        ground = Ground(truth, instances, table[:, 0], splits)
        measured = [
            _measured(name, masks, pairing, ground, table[:, 1 + 2 * i : 3 + 2 * i], pool, progress)
            for i, ((name, masks), pairing) in enumerate(zip(named.items(), pairings, strict=True))
        ]
    return Evaluation(_report(job, ground, measured, moved, told), ground, measured)


def _splits(job: Job, truth: MaskFile) -> dict[str, BoolArray]:
    splits = {"overall": select("all", truth.categories)}
    if job.seen is not None:
        seen = select(job.seen, truth.categories)
        splits |= {"seen": seen, "unseen": ~seen}
    return splits | {name: select(text, truth.categories) for name, text in job.splits.items()}


def _measure(
    truth: MaskFile,
    instances: Instances,
    predicted: Sequence[MaskFile],
    pairings: Sequence[Pairing],
    pool: Pool,
    progress: Progress,
) -> Iterator[FloatArray]:
    """Yield (chunk, 1 + 2 * systems): what `measure` finds, in the order of the instances."""

    def instance(place: int) -> Instance:
        image = truth.images[instances.image[place]]
        rows = [int(pairing.rows[place]) for pairing in pairings]
        return Instance(
            (image.width, image.height),
            located(truth, int(instances.rows[place])),
            tuple(
                None if row < 0 else located(masks, row)
                for masks, row in zip(predicted, rows, strict=True)
            ),
        )

    total, done = len(instances.rows), 0
    chunks = (
        [instance(place) for place in range(first, min(first + _CHUNK, total))]
        for first in range(0, total, _CHUNK)
    )
    for part in pool.in_order(measure, chunks):
        done += len(part)
        progress("measuring masks", done, total)
        yield part


def _measured(
    name: str,
    masks: MaskFile,
    pairing: Pairing,
    ground: Ground,
    overlaps: FloatArray,
    pool: Pool,
    progress: Progress,
) -> Measured:
    scores, ranked_by = _ranking(masks)
    precisions = []
    for part in pool.in_order(category_precision, category_tasks(ground.truth, masks, scores)):
        precisions.append(part)
        progress(f"mask AP of {name}", len(precisions), len(ground.truth.categories))
    paired = pairing.rows >= 0
    quality = np.where(paired, masks.qualities[pairing.rows], np.nan)
    return Measured(
        name,
        pairing,
        overlaps[:, 0],
        overlaps[:, 1],
        quality,
        np.stack(precisions, 2),
        ranked_by,
        mean_box_iou(ground.truth, ground.instances, masks, pairing),
    )


def _ranking(masks: MaskFile) -> tuple[FloatArray, str]:
    """Return what AP ranks the predictions (N,) by, and what that is."""
    usable = np.array([not absence for absence in masks.absences], dtype=np.bool_)
    for values, what in ((masks.scores, "score"), (masks.qualities, "predicted_iou")):
        if usable.any() and not np.isnan(values[usable & ~masks.is_crowd]).any():
            return values, what
    return np.ones(len(masks)), "constant"


def _report(
    job: Job,
    ground: Ground,
    measured: list[Measured],
    moved: Loosening | None,
    told: Told | None,
) -> Report:
    category = ground.instances.category
    return Report(
        format=FORMAT,
        ground_truth=job.ground_truth.name,
        images=len(np.unique(ground.instances.image)),
        left_out=ground.instances.left_out,
        seen=job.seen,
        loosening=moved,
        told=told,
        splits={
            name: SplitSize(len(np.unique(category[inside])), int(inside.sum()))
            for name, split in ground.splits.items()
            for inside in [ground.inside(split)]
        },
        systems=[score(ground, system) for system in measured],
        differences=[compare(ground, measured[0], other) for other in measured[1:]],
    )
