"""The boxes that network and baselines see: those of the ground truth, or these moved.

Shapes: N annotations of the ground truth.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from boxmask.evaluate.box_file import write_boxes
from boxmask.evaluate.job import EvaluateJob
from boxmask.evaluate.loosen import box_ious, loosened
from boxmask.evaluate.mask_file import FloatArray, MaskFile
from boxmask.evaluate.pairing import Instances, Pairing
from boxmask.evaluate.report import Loosening


@dataclass(frozen=True, eq=False)
class Given:
    """A ground truth as network and baselines see it."""

    truth: MaskFile  # with the boxes that they see
    path: Path  # of a file with these boxes


@contextmanager
def given_boxes(job: EvaluateJob, truth: MaskFile) -> Iterator[Given]:
    """Move the boxes if the job says so, and have a file of them while the block lasts."""
    if not job.loosen:
        yield Given(truth, truth.path)
        return
    boxes = loosened(
        truth.boxes, truth.ids, _limits(truth), fraction=job.loosen, seed=job.loosen_seed
    )
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = job.loosen_out or Path(folder) / "loosened.json"
        write_boxes(truth, boxes, path)
        yield Given(replace(truth, boxes=boxes), path)


def loosening(
    job: EvaluateJob, truth: MaskFile, given: Given, instances: Instances
) -> Loosening | None:
    """Say how the boxes were moved, None if they were not."""
    if not job.loosen:
        return None
    ious = box_ious(given.truth.boxes[instances.rows], truth.boxes[instances.rows])
    return Loosening(job.loosen, job.loosen_seed, _mean(ious))


def mean_box_iou(truth: MaskFile, instances: Instances, masks: MaskFile, pairing: Pairing) -> float:
    """Average the IoU of the boxes of a system with the true ones; NaN where it has none."""
    paired = pairing.rows >= 0
    ours = masks.boxes[pairing.rows[paired]]
    return _mean(box_ious(ours, truth.boxes[instances.rows[paired]]))


def _mean(ious: FloatArray) -> float:
    known = ious[~np.isnan(ious)]
    return float(known.mean()) if len(known) else float("nan")


def _limits(truth: MaskFile) -> FloatArray:
    """Return the width and height of each annotation's image (N, 2), 0 where unknown."""
    limits = [truth.image_sizes.get(id, (0, 0)) for id in truth.image_ids]
    return np.array(limits, dtype=np.float64).reshape(-1, 2)
