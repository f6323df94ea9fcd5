"""AP of what was found: boxes and masks that no annotation of the ground truth has the id of.

Images and categories of a file of detections are those of the ground truth by name, since a
detector numbers them itself; a list of results has ids alone.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from boxmask.data.raw.document import open_document
from boxmask.dataset import Id
from boxmask.errors import ConfigError, InputError
from boxmask.evaluate.average_precision import (
    Kind,
    average_precisions,
    category_order,
    category_precision,
    category_tasks,
)
from boxmask.evaluate.given import given_boxes
from boxmask.evaluate.job import EvaluateJob, Progress
from boxmask.evaluate.mask_file import FloatArray, MaskFile
from boxmask.evaluate.pool import Pool
from boxmask.evaluate.predictions import run_network
from boxmask.evaluate.reading import read_masks
from boxmask.evaluate.run import splits_of

FORMAT = "boxmask-eval-detections-1"
_LISTED = ("images", "categories")  # of the ground truth, for the detector
LEAST_SCORE = 0.01  # weaker boxes move no figure that is shown
_KINDS: dict[str, Kind] = {"masks": "segm", "boxes": "bbox"}
APs = dict[str, float]  # by name: AP, AP50, AP75, APs, APm, APl


@dataclass(frozen=True)
class DetectionScore:
    """One set of detections."""

    name: str
    detections: int
    ap_ranked_by: str  # score, predicted_iou, or constant
    splits: dict[str, dict[str, APs]]  # by split, of masks and of boxes
    classes: dict[str, dict[str, APs]]  # the same by class


@dataclass(frozen=True)
class DetectionReport:
    """All that was found out about detections; fractions of 1, null for what there is none of."""

    format: str
    ground_truth: str
    images: int
    annotations: int
    seen: str | None
    systems: list[DetectionScore]


def evaluate_detections(job: EvaluateJob, progress: Progress) -> DetectionReport:
    """Score the files of a job as detections; of weights, what they find, and true boxes masked."""
    _check(job)
    truth = read_masks(job.ground_truth, predicted=False, bbox=job.bbox)
    with Pool(1) as pool, _systems(job, truth, progress) as systems:
        scores = [
            _score(name, _as_in(truth, masks), job, truth, pool, progress)
            for name, masks in _rescored(systems)
        ]
    return DetectionReport(
        FORMAT, job.ground_truth.name, len(truth.images), len(truth), job.seen, scores
    )


def _check(job: EvaluateJob) -> None:
    if job.baselines or job.loosen:
        raise ConfigError(
            "--baseline and --loosen are about true boxes; leave them out with --detections."
        )
    job.validate()


@contextmanager
def _systems(
    job: EvaluateJob, truth: MaskFile, progress: Progress
) -> Iterator[dict[str, MaskFile]]:
    """Read the files of a job, and run its network; the files are there while the block lasts."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = {path.name: read_masks(path, bbox=job.bbox) for path in job.predicted}
        if job.weights is not None and job.images is not None:
            name = job.weights.stem
            found[name] = _detect(job, job.weights, job.images, Path(folder), progress)
            with given_boxes(job, truth) as given:
                found[f"{name}, true boxes"], _ = run_network(
                    replace(job, keep=None),
                    given,
                    weights=job.weights,
                    images=job.images,
                    progress=progress,
                )
        found |= {path.name: read_masks(path, bbox=job.bbox) for path in job.against}
        yield found


def _detect(
    job: EvaluateJob, weights: Path, images: Path, folder: Path, progress: Progress
) -> MaskFile:
    """Find boxes in the images of the ground truth and mask them, as `boxmask detect` does."""
    from boxmask.annotate.events import Event
    from boxmask.detect.job import detect_job
    from boxmask.detect.run import detect

    def on_event(event: Event) -> None:
        progress(f"network: {event.stage.name}", event.done, event.total)

    listed = folder / "images.json"
    members = open_document(job.ground_truth).members
    kept = b", ".join(b'"%s": %s' % (name.encode(), members[name]) for name in _LISTED)
    listed.write_bytes(b"{" + kept + b', "annotations": []}')
    out = job.keep or folder / "found.json"
    found = detect_job(
        images,
        weights=weights,
        out=out,
        complete=listed,
        min_score=LEAST_SCORE,
        device=job.device,
        threads=job.threads,
        flip=job.flip,
    )
    detect(found, on_event)
    return read_masks(out)


def _rescored(systems: Mapping[str, MaskFile]) -> Iterator[tuple[str, MaskFile]]:
    """Yield each system, and again ranked as Mask Scoring R-CNN does: by score times the IoU."""
    for name, found in systems.items():
        yield name, found
        both = found.scores * found.qualities
        if len(found) and not np.isnan(both[~found.is_crowd]).any():
            yield f"{name}, score x IoU", replace(found, scores=both)


def _as_in(truth: MaskFile, found: MaskFile) -> MaskFile:
    """Give detections the image and category ids of the ground truth, by names where it can."""
    images = _same_names(
        {one.file_name: one.id for one in truth.images},
        {one.id: one.file_name for one in found.images},
    )
    categories = _same_names(
        {one.name: one.id for one in truth.categories},
        {one.id: one.name for one in found.categories},
    )
    moved = replace(
        found,
        image_ids=[images.get(id, id) for id in found.image_ids],
        category_ids=[categories.get(id, id) for id in found.category_ids],
    )
    if len(moved) and not {one.id for one in truth.images} & set(moved.image_ids):
        raise InputError(
            f"{found.path}: none of its images is one of {truth.path}, by name or by id; detect in "
            "the images of this ground truth."
        )
    return moved


def _same_names(ids: Mapping[str, Id], names: Mapping[Id, str]) -> dict[Id, Id]:
    """Map ids to those of the same names; where no name is the same, they are left alone.

    An id whose name is unknown must not be taken for another's: it maps to none.
    """
    same = {id: ids[name] for id, name in names.items() if name in ids}
    return {id: same.get(id) for id in names} if same else {}


def _score(
    name: str,
    found: MaskFile,
    job: EvaluateJob,
    truth: MaskFile,
    pool: Pool,
    progress: Progress,
) -> DetectionScore:
    scores, ranked_by = _ranking(found)
    order = category_order(truth)
    splits = {
        split: [index for index in order if inside[index]]
        for split, inside in splits_of(job, truth).items()
    }
    classes = {category.name: [index] for index, category in enumerate(truth.categories)}
    aps: dict[str, dict[str, dict[str, APs]]] = {"splits": {}, "classes": {}}
    for what, kind in _KINDS.items():
        precisions = []
        for part in pool.in_order(category_precision, category_tasks(truth, found, scores, kind)):
            precisions.append(part)
            progress(f"AP of {what}, {name}", len(precisions), len(truth.categories))
        stacked = np.stack(precisions, 2)
        for group, chosen in (("splits", splits), ("classes", classes)):
            for one, places in chosen.items():
                aps[group].setdefault(one, {})[what] = average_precisions(stacked, places)
    return DetectionScore(name, len(found), ranked_by, aps["splits"], aps["classes"])


def _ranking(found: MaskFile) -> tuple[FloatArray, str]:
    """Return what AP ranks detections (N,) by, and what that is."""
    for values, what in ((found.scores, "score"), (found.qualities, "predicted_iou")):
        if len(found) and not np.isnan(values[~found.is_crowd]).any():
            return values, what
    return np.ones(len(found)), "constant"
