"""The sets of predictions of one evaluation, whatever they come from, under names to show."""

from boxmask.evaluate.baselines import baseline
from boxmask.evaluate.job import Job, Progress
from boxmask.evaluate.maskfile import MaskFile
from boxmask.evaluate.network import predict
from boxmask.evaluate.pairing import Instances
from boxmask.evaluate.reading import read_masks


def systems(
    job: Job, truth: MaskFile, instances: Instances, progress: Progress
) -> dict[str, MaskFile]:
    """Return the predictions to evaluate by name: files, then the network, then baselines."""
    found: dict[str, MaskFile] = {}
    for path in job.predicted:
        short = path.name not in {other.name for other in job.predicted if other != path}
        found[path.name if short else str(path)] = read_masks(path)
    if job.weights is not None and job.images is not None:
        found[job.weights.name] = predict(
            job, weights=job.weights, images=job.images, progress=progress
        )
    for name in job.baselines:
        found[name] = baseline(
            name, truth, instances, folder=job.images, workers=job.workers, progress=progress
        )
    return found
