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
from boxmask.evaluate.predictions import read_systems, run_network
from boxmask.evaluate.reading import read_masks
from boxmask.evaluate.run import splits_of

FORMAT = "boxmask-eval-detections-1"
_LISTED = ("images", "categories")  # of the ground truth, for the detector
_NAMED = 20  # categories in an error
LEAST_SCORE = 0.01  # weaker boxes move no figure that is shown
RESCORED = ", score x IoU"  # behind the name of what is ranked otherwise a second time
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
    unusable: dict[str, list[str]]  # images in which a network could find nothing, by reason


def evaluate_detections(job: EvaluateJob, progress: Progress) -> DetectionReport:
    """Score the files of a job as detections; of weights, what they find, and true boxes masked."""
    _check(job)
    truth = read_masks(job.ground_truth, predicted=False, bbox=job.bbox)
    with Pool(1) as pool, _systems(job, truth, progress) as (systems, unusable):
        scores = [
            _score(name, _as_in(truth, masks), job, truth, pool, progress)
            for name, masks in _rescored(systems)
        ]
    return DetectionReport(
        *(FORMAT, job.ground_truth.name, len(truth.images), len(truth), job.seen),
        *(scores, unusable),
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
) -> Iterator[tuple[dict[str, MaskFile], dict[str, list[str]]]]:
    """Read the files of a job, and run its network; the files are there while the block lasts.

    Also yields the images that the network could not look at, by reason.
    """
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = read_systems(job.predicted, job)
        unusable: dict[str, list[str]] = {}
        if job.weights is not None and job.images is not None:
            name = job.weights.stem
            found[name], unusable = _detect(
                job, truth, *(job.weights, job.images), folder=Path(folder), progress=progress
            )
            with given_boxes(job, truth) as given:
                found[f"{name}, true boxes"], _ = run_network(
                    replace(job, keep=None),
                    given,
                    weights=job.weights,
                    images=job.images,
                    progress=progress,
                )
        found |= read_systems(job.against, job)
        yield found, unusable


def _detect(
    job: EvaluateJob,
    truth: MaskFile,
    weights: Path,
    images: Path,
    *,
    folder: Path,
    progress: Progress,
) -> tuple[MaskFile, dict[str, list[str]]]:
    """Find boxes in the images of the ground truth and mask them, as `boxmask detect` does."""
    from boxmask.annotate.events import Event
    from boxmask.detect.job import detect_job
    from boxmask.detect.photos import looked_for
    from boxmask.detect.run import detect

    def on_event(event: Event) -> None:
        progress(f"network: {event.stage.name}", event.done, event.total)

    listed = folder / "images.json"
    document = open_document(job.ground_truth)
    document.require(*_LISTED, has="a detector looks at the images and for the classes of a file")
    looked_for(weights, of=truth.path, categories=truth.categories)  # before the network runs
    kept = b", ".join(b'"%s": %s' % (one.encode(), document.members[one]) for one in _LISTED)
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
    about = detect(found, on_event).found
    if about.shortage:
        raise InputError(f"{images}: {about.shortage} Do the file names begin in this folder?")
    return read_masks(out), about.unusable


def _rescored(systems: Mapping[str, MaskFile]) -> Iterator[tuple[str, MaskFile]]:
    """Yield each system, and again ranked as Mask Scoring R-CNN does: by score times the IoU."""
    for name, found in systems.items():
        yield name, found
        both = found.scores * found.qualities
        if len(found) and not np.isnan(both[~found.is_crowd]).any():
            yield f"{name}{RESCORED}", replace(found, scores=both)


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
    known = {one.id for one in truth.categories}
    named = {categories.get(one.id, one.id) for one in found.categories}
    if len(moved) and not known & {*named, *moved.category_ids}:
        raise InputError(
            f"{found.path}: none of its categories is one of {truth.path}, by name or by id: it "
            f"has {_listed(found)}; that has {_listed(truth)}."
        )
    return moved


def _listed(file: MaskFile) -> str:
    """Name the first categories of a file, by their ids where it does not name them."""
    names = [one.name for one in file.categories] or sorted(set(map(str, file.category_ids)))
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")


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
