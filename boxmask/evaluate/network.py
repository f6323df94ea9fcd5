"""Runs a network over the boxes of a ground truth, by the very road of `boxmask annotate`."""

from pathlib import Path
from tempfile import TemporaryDirectory

from boxmask.annotate.job import Tightness
from boxmask.annotate.told import Told, can_be_told
from boxmask.evaluate.given import Given
from boxmask.evaluate.job import Job, Progress
from boxmask.evaluate.maskfile import MaskFile
from boxmask.evaluate.reading import read_masks


def predict(
    job: Job, given: Given, *, weights: Path, images: Path, progress: Progress
) -> tuple[MaskFile, Told | None]:
    """Predict a mask in the given box of every annotation of the ground truth.

    Returns with the masks what the network was told of the boxes.
    """
    # Imported here: evaluation of files alone has no need of torch.
    from boxmask.annotate import job as annotation
    from boxmask.annotate.events import Event
    from boxmask.annotate.run import run

    def report(event: Event) -> None:
        progress(f"network: {event.stage}", event.done, event.total)

    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        out = job.keep or Path(folder) / "predicted.json"
        done = run(
            annotation.Job(
                boxes=given.path,
                images=images,
                out=out,
                weights=weights,
                flip=job.flip,
                tightness=_tightness(job, weights),
                neighbours=job.neighbours,
                overwrite=True,
                device=job.device,
            ),
            report,
        )
        return read_masks(out), done.told


def _tightness(job: Job, weights: Path) -> Tightness:
    """Return what to tell of the boxes: by default the truth, to a network that can be told."""
    if job.tightness == "auto" and can_be_told(weights):
        return job.loosen
    return job.tightness
