"""The sets of predictions of one evaluation, whatever they come from, under names to show."""

from pathlib import Path
from typing import NamedTuple

from boxmask.annotate.told import Told
from boxmask.evaluate.baselines import baseline
from boxmask.evaluate.given import Given
from boxmask.evaluate.job import Job, Progress
from boxmask.evaluate.maskfile import MaskFile
from boxmask.evaluate.network import predict
from boxmask.evaluate.pairing import Instances
from boxmask.evaluate.reading import read_masks


class Systems(NamedTuple):
    """What is evaluated."""

    masks: dict[str, MaskFile]  # by name
    told: Told | None  # what the network was told of the boxes, None without one that can be told


def systems(job: Job, given: Given, instances: Instances, progress: Progress) -> Systems:
    """Return the predictions to evaluate by name: files, then the network, then baselines."""
    found, told = {_name(path, job): read_masks(path) for path in job.predicted}, None
    if job.weights is not None and job.images is not None:
        found[job.weights.stem], told = predict(
            job, given, weights=job.weights, images=job.images, progress=progress
        )
    found |= {_name(path, job): read_masks(path) for path in job.against}
    for name in job.baselines:
        found[name] = baseline(
            name, given.truth, instances, folder=job.images, workers=job.workers, progress=progress
        )
    return Systems(found, told)


def _name(path: Path, job: Job) -> str:
    """Name a file without its folder, unless that would name two."""
    alike = [other for other in (*job.predicted, *job.against) if other.name == path.name]
    return path.name if len(set(alike)) == 1 else str(path)
