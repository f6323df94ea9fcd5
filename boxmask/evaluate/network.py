"""Runs a network over the true boxes, through the same road as `boxmask annotate`."""

from pathlib import Path

from boxmask.evaluate.job import Job, Progress
from boxmask.evaluate.maskfile import MaskFile


def predict(job: Job, weights: Path, progress: Progress) -> MaskFile:
    """Predict a mask in the true box of every annotation of the ground truth."""
    raise NotImplementedError
