"""Runs a network over the boxes of a ground truth, by the very road of `boxmask annotate`."""

from pathlib import Path
from tempfile import TemporaryDirectory

from boxmask.evaluate.given import Given
from boxmask.evaluate.job import Job, Progress
from boxmask.evaluate.maskfile import MaskFile
from boxmask.evaluate.reading import read_masks


def predict(job: Job, given: Given, *, weights: Path, images: Path, progress: Progress) -> MaskFile:
    """Predict a mask in the given box of every annotation of the ground truth."""
    # Imported here: evaluation of files alone has no need of torch.
    from boxmask.annotate import job as annotation
    from boxmask.annotate.events import Event
    from boxmask.annotate.run import run

    def report(event: Event) -> None:
        progress(f"network: {event.stage}", event.done, event.total)

    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        out = job.keep or Path(folder) / "predicted.json"
        run(
            annotation.Job(
                boxes=given.path,
                images=images,
                out=out,
                weights=weights,
                flip=job.flip,
                overwrite=True,
                device=job.device,
            ),
            report,
        )
        return read_masks(out)
