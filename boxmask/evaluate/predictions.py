"""The sets of predictions of one evaluation: files, the network that is run, baselines."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from boxmask.annotate.events import Event, Summary
from boxmask.annotate.hints import Hints, takes_hints
from boxmask.annotate.job import Tightness
from boxmask.evaluate.baselines import draw_baseline
from boxmask.evaluate.given import Given
from boxmask.evaluate.job import EvaluateJob, Progress
from boxmask.evaluate.mask_file import MaskFile
from boxmask.evaluate.pairing import Instances
from boxmask.evaluate.reading import read_masks
from boxmask.formats import BoxForm, ReadOptions


class Predictions(NamedTuple):
    """What is evaluated."""

    masks: dict[str, MaskFile]  # by the name of their system
    told: Hints | None = None  # what the network knew of the boxes, None if it cannot be told
    shortage: str = ""  # why the network made too few masks; empty if it made enough


def load_predictions(
    job: EvaluateJob, given: Given, instances: Instances, progress: Progress
) -> Predictions:
    """Return the predictions to evaluate by name: files, then the network, then baselines."""
    found = read_systems(job.predicted, job)
    done = None
    if job.weights is not None and job.images is not None:
        found[job.weights.stem], done = run_network(
            job, given, weights=job.weights, images=job.images, progress=progress
        )
    found |= read_systems(job.against, job)
    for name in job.baselines:
        found[name] = draw_baseline(
            name, given.truth, instances, folder=job.images, workers=job.workers, progress=progress
        )
    return Predictions(found, done.told, done.shortage) if done else Predictions(found)


def read_systems(paths: Iterable[Path], job: EvaluateJob) -> dict[str, MaskFile]:
    """Read files of predictions, each by the name of its system."""
    return {_system_name(path, job): read_masks(path, bbox=job.bbox) for path in paths}


def _system_name(path: Path, job: EvaluateJob) -> str:
    """Name a file without its folder, unless that would name two."""
    alike = [other for other in (*job.predicted, *job.against) if other.name == path.name]
    return path.name if len(set(alike)) == 1 else str(path)


def run_network(
    job: EvaluateJob, given: Given, *, weights: Path, images: Path, progress: Progress
) -> tuple[MaskFile, Summary]:
    """Predict a mask in the given box of every true one, as `boxmask annotate` does."""
    # Imported here: evaluation of files alone has no need of torch.
    from boxmask.annotate.job import AnnotateJob
    from boxmask.annotate.run import annotate

    def on_event(event: Event) -> None:
        progress(f"network: {event.stage.name}", event.done, event.total)

    # Boxes that were moved are written as x, y, width, height.
    bbox: BoxForm = "xywh" if job.loosen else job.bbox
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        out = job.keep or Path(folder) / "predicted.json"
        done = annotate(
            AnnotateJob(
                boxes=given.path,
                images=images,
                reading=ReadOptions(bbox=bbox),
                out=out,
                weights=weights,
                flip=job.flip,
                tightness=_tightness(job, weights),
                neighbours=job.neighbours,
                overwrite=True,
                device=job.device,
                threads=job.threads,
            ),
            on_event,
        )
        return read_masks(out, bbox=bbox), done


def _tightness(job: EvaluateJob, weights: Path) -> Tightness:
    """Return what to tell of the boxes: by default the truth, to a network that can be told."""
    if job.tightness == "auto" and takes_hints(weights):
        return job.loosen
    return job.tightness
