"""COCO AP of masks or boxes by category, by pycocotools itself on ids that it cannot stumble over.

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
from typing import Any, Literal

import msgspec
import numpy as np
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from boxmask.dataset import Id
from boxmask.evaluate.mask_file import FloatArray, MaskFile
from boxmask.evaluate.measure import MaskRecord, mask_record, mask_rle
from boxmask.evaluate.metrics import Size

Kind = Literal["segm", "bbox"]  # what AP is of, as pycocotools calls it
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


class _Boxed(msgspec.Struct):
    bbox: list[float]  # as it was written: another form would round in its own way


@dataclass(frozen=True)
class CategoryTask:
    """All masks of one category, or all boxes."""

    true: list[APMask] = field(default_factory=list)
    predicted: list[APMask] = field(default_factory=list)
    kind: Kind = "segm"


def category_tasks(
    truth: MaskFile, predicted: MaskFile, scores: FloatArray, kind: Kind = "segm"
) -> Iterator[CategoryTask]:
    """Yield what each category of the ground truth has, in the order of its categories."""
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
            if _is_there(file, row, kind) and (id := file.image_ids[row]) in places
        ]

    for category in truth.categories:
        found = masks(predicted, predicted_rows[category.id], scores)
        yield CategoryTask(
            masks(truth, true_rows[category.id], truth.scores),
            [mask for mask in found if not mask.is_crowd],
            kind,
        )


def _is_there(file: MaskFile, row: int, kind: Kind) -> bool:
    """Tell whether an annotation has what AP is of."""
    if kind == "segm":
        return not file.skip_reasons[row]
    return bool(np.isfinite(file.boxes[row]).all())


def category_precision(task: CategoryTask) -> FloatArray:
    """Return the precisions (T, R, A) of one category, -1 where it has nothing to find."""
    if not any(not mask.is_crowd for mask in task.true):
        return np.full((THRESHOLDS, RECALLS, AREAS), -1.0)
    with contextlib.redirect_stdout(io.StringIO()):
        true, predicted = (
            _index(masks, task.kind, predicted=masks is task.predicted)
            for masks in (task.true, task.predicted)
        )
        run = COCOeval(true, predicted, task.kind)
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


def _index(masks: list[APMask], kind: Kind, *, predicted: bool) -> COCO:
    index = COCO()
    index.dataset = {
        "images": [{"id": mask.image, "width": 0, "height": 0} for mask in masks],
        "categories": [{"id": 1}],
        "annotations": [_annotation(i, m, kind, predicted) for i, m in enumerate(masks, 1)],
    }
    index.createIndex()
    return index


def _annotation(id: int, mask: APMask, kind: Kind, predicted: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": id,
        "image_id": mask.image,
        "category_id": 1,
        "iscrowd": int(mask.is_crowd),
        "score": mask.score,
    }
    if kind == "segm":
        fields["segmentation"] = mask_rle(mask.record, mask.size)
        area = float(coco_mask.area(fields["segmentation"]))
    else:
        fields["bbox"] = msgspec.json.decode(mask.record.json, type=_Boxed).bbox
        area = fields["bbox"][2] * fields["bbox"][3]
    # pycocotools, too, takes the area of a prediction from its mask, or from its box.
    stated = not predicted and not np.isnan(mask.area)
    return fields | {"area": mask.area if stated else area}
