"""Baselines as files of masks: what is drawn into the true boxes without any learning.

Shapes: N annotations of the ground truth, n boxes of one image.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from boxmask import rle
from boxmask.dataset import IntArray
from boxmask.errors import ConfigError
from boxmask.evaluate.grabcut import grabcut, require_opencv
from boxmask.evaluate.mask_file import FloatArray, ImageRecord, MaskFile
from boxmask.evaluate.pairing import Instances
from boxmask.evaluate.pool import Pool
from boxmask.evaluate.shapes import SHAPES
from boxmask.faults import ImageFault
from boxmask.images import load_image
from boxmask.window import Window

BASELINES = (*SHAPES, "grabcut")
_ABSENT = b"{}"


@dataclass(frozen=True, eq=False)
class _Task:
    name: str
    image: ImageRecord
    boxes: FloatArray  # (n, 4)
    folder: Path


def check_baseline(name: str, folder: Path | None) -> None:
    """Raise a ConfigError unless there is such a baseline and all that it needs."""
    if name not in BASELINES:
        raise ConfigError(f"no baseline is named {name!r}; there are: {', '.join(BASELINES)}.")
    if name == "grabcut":
        require_opencv()
        if folder is None:
            raise ConfigError("the baseline grabcut looks at the photos: add --images DIR.")


def draw_baseline(
    name: str,
    truth: MaskFile,
    instances: Instances,
    *,
    folder: Path | None,
    workers: int,
    progress: Callable[[str, int, int], None],
) -> MaskFile:
    """Draw the baseline's mask into the true box of each instance."""
    records = [_ABSENT] * len(truth)
    skip_reasons = ["not drawn"] * len(truth)
    groups = list(_rows_by_image(truth, instances))
    tasks = (_Task(name, image, truth.boxes[rows], folder or Path()) for image, rows in groups)
    done = 0
    # Shapes are drawn faster than processes start.
    with Pool(workers if name == "grabcut" else 1) as pool:
        for (_, rows), drawn in zip(groups, pool.in_order(_draw, tasks), strict=True):
            for row, (record, reason) in zip(rows, drawn, strict=True):
                records[row], skip_reasons[row] = record, reason
            done += len(rows)
            progress(f"drawing the baseline {name}", done, len(instances.rows))
    unknown = np.full(len(truth), np.nan)
    return replace(
        truth,
        path=Path(name),
        scores=unknown,
        qualities=unknown,
        is_crowd=np.zeros(len(truth), dtype=np.bool_),
        records=records,
        skip_reasons=skip_reasons,
    )


def _rows_by_image(truth: MaskFile, instances: Instances) -> Iterator[tuple[ImageRecord, IntArray]]:
    order = np.argsort(instances.image, kind="stable")
    images, starts = np.unique(instances.image[order], return_index=True)
    for image, places in zip(images, np.split(order, starts[1:]), strict=True):
        yield truth.images[image], instances.rows[places]


def _draw(task: _Task) -> list[tuple[bytes, str]]:
    try:
        width, height, shape = _canvas(task)
    except ImageFault as fault:
        return [(_ABSENT, fault.reason)] * len(task.boxes)
    drawn = []
    for box in task.boxes:
        if not np.isfinite(box).all():
            drawn.append((_ABSENT, "no box"))
            continue
        counts = rle.encode(shape(box), width=width, height=height).decode()
        segmentation = {"size": [height, width], "counts": counts}
        drawn.append((msgspec.json.encode({"segmentation": segmentation}), ""))
    return drawn


def _canvas(task: _Task) -> tuple[int, int, Callable[[FloatArray], Window]]:
    """Return the size of the image and what draws a box's mask on it."""
    width, height = task.image.width, task.image.height
    if task.name in SHAPES:
        draw = SHAPES[task.name]
        return width, height, lambda box: draw(box, width, height)
    pixels = load_image(task.folder, task.image.file_name, width=width, height=height)
    return pixels.shape[1], pixels.shape[0], lambda box: grabcut(pixels, box)
