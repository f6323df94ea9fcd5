"""COCO mask AP by category, computed by pycocotools itself on ids that it cannot stumble over.

pycocotools takes an annotation id of 0 for "unmatched", mixes up repeated ids and refuses texts, so
each category is run with fresh ids 1, 2, ... Images keep the order that pycocotools gives them,
which decides between equal scores; so the figures agree with it to the last digit.

Shapes: T IoU thresholds, R recalls, C categories, A area ranges (all, small, medium, large).
"""

import contextlib
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from boxmask.dataset import Id
from boxmask.evaluate.mask_file import FloatArray, MaskFile
from boxmask.evaluate.measure import MaskRecord, mask_record, mask_rle
from boxmask.evaluate.metrics import Size

THRESHOLDS, RECALLS, AREAS = 10, 101, 4
# Name -> (IoU threshold, None for all ten; area range), as in pycocotools' summary.
AP_NAMES: dict[str, tuple[int | None, int]] = {
    "AP": (None, 0), "AP50": (0, 0), "AP75": (5, 0), "APs": (None, 1), "APm": (None, 2),
    "APl": (None, 3),
}  # fmt: skip


@dataclass(frozen=True)
class APMask:
    """One annotation on its way to pycocotools."""

    image: int  # 1, 2, ...
    size: Size
    record: MaskRecord
    area: float  # as the file says, NaN where it does not
    score: float  # what it is ranked by, if predicted
    is_crowd: bool


@dataclass(frozen=True)
class CategoryTask:
    """All masks of one category."""

    true: list[APMask] = field(default_factory=list)
    predicted: list[APMask] = field(default_factory=list)


def category_tasks(
    truth: MaskFile, predicted: MaskFile, scores: FloatArray
) -> Iterator[CategoryTask]:
    """Yield the masks of each category of the ground truth, in the order of its categories."""
    places = _image_places(truth)
    true_rows = _by_category(truth.category_ids)
    predicted_rows = _by_category(predicted.category_ids)

    def masks(file: MaskFile, rows: list[int], scores: FloatArray) -> list[APMask]:
        return [
            APMask(
                places[id],
                truth.image_sizes[id],
                mask_record(file, row),
                float(file.areas[row]),
                float(scores[row]),
                bool(file.is_crowd[row]),
            )
            for row in rows
            if not file.skip_reasons[row] and (id := file.image_ids[row]) in places
        ]

    for category in truth.categories:
        found = masks(predicted, predicted_rows[category.id], scores)
        yield CategoryTask(
            masks(truth, true_rows[category.id], truth.scores),
            [mask for mask in found if not mask.is_crowd],
        )


def category_precision(task: CategoryTask) -> FloatArray:
    """Return the precisions (T, R, A) of one category, -1 where it has nothing to find."""
    if not any(not mask.is_crowd for mask in task.true):
        return np.full((THRESHOLDS, RECALLS, AREAS), -1.0)
    with contextlib.redirect_stdout(io.StringIO()):
        run = COCOeval(_index(task.true, predicted=False), _index(task.predicted, predicted=True))
        run.params.iouType = "segm"
        run.params.imgIds = sorted({mask.image for mask in task.true + task.predicted})
        run.params.catIds = [1]
        run.evaluate()
        run.accumulate()
    # One category; the last of the limits on predictions per image, 100.
    return np.asarray(run.eval["precision"][:, :, 0, :, -1], dtype=np.float64)


def average_precisions(precisions: FloatArray, split: Sequence[int]) -> dict[str, float]:
    """Average precisions (T, R, C, A) over a split's categories, as pycocotools does."""
    averages = {}
    for name, (threshold, area) in AP_NAMES.items():
        chosen = precisions[:, :, list(split), area]
        chosen = chosen if threshold is None else chosen[threshold]
        known = chosen[chosen > -1]
        averages[name] = float(np.mean(known)) if known.size else float("nan")
    return averages


def category_order(truth: MaskFile) -> list[int]:
    """Return the categories in the order of pycocotools: by id if all are numbers."""
    return _sorted_by_id([category.id for category in truth.categories])


def _image_places(truth: MaskFile) -> dict[Id, int]:
    ids = [image.id for image in truth.images]
    return {ids[index]: place for place, index in enumerate(_sorted_by_id(ids), start=1)}


def _sorted_by_id(ids: Sequence[Id]) -> list[int]:
    if any(isinstance(id, str) for id in ids):
        return list(range(len(ids)))
    return sorted(range(len(ids)), key=lambda index: float(ids[index] or 0))


def _by_category(ids: Sequence[Id]) -> dict[Id, list[int]]:
    rows: dict[Id, list[int]] = defaultdict(list)
    for row, id in enumerate(ids):
        rows[id].append(row)
    return rows


def _index(masks: list[APMask], *, predicted: bool) -> COCO:
    index = COCO()
    index.dataset = {
        "images": [{"id": mask.image, "width": 0, "height": 0} for mask in masks],
        "categories": [{"id": 1}],
        "annotations": [_annotation(i, m, predicted) for i, m in enumerate(masks, start=1)],
    }
    index.createIndex()
    return index


def _annotation(id: int, mask: APMask, predicted: bool) -> dict[str, Any]:
    rle = mask_rle(mask.record, mask.size)
    # pycocotools, too, takes the area of a prediction from its mask.
    stated = not predicted and not np.isnan(mask.area)
    return {
        "id": id,
        "image_id": mask.image,
        "category_id": 1,
        "segmentation": rle,
        "area": mask.area if stated else float(coco_mask.area(rle)),
        "iscrowd": int(mask.is_crowd),
        "score": mask.score,
    }
