"""Pairs each ground-truth mask with its prediction: by annotation id, never by number alone.

Shapes: N annotations of the ground truth, P annotations of the predictions, S scored instances.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from boxmask.dataset import Id, IntArray
from boxmask.errors import InputError
from boxmask.evaluate.mask_file import MaskFile

_MAX_NAMED = 5


@dataclass(frozen=True, eq=False)
class Instances:
    """The ground-truth instances that are scored: S rows with an image, a category and a mask."""

    rows: IntArray  # (S,) record in the ground truth
    image: IntArray  # (S,) index into its images
    category: IntArray  # (S,) index into its categories
    left_out: dict[str, int]  # reason -> count of annotations that are not scored


@dataclass(frozen=True, eq=False)
class Pairing:
    """Which prediction belongs to each instance."""

    rows: IntArray  # (S,) record in the predictions, -1 where there is none
    missing: dict[str, int] = field(default_factory=dict)  # reason -> count, each scored as IoU 0
    missing_ids: Sequence[Id] = ()  # the first few
    extra: int = 0  # predictions that no ground-truth annotation has the id of
    extra_ids: Sequence[Id] = ()


def instances_to_score(truth: MaskFile) -> Instances:
    """Choose the instances to score; crowds and annotations without a mask are counted out."""
    _unique_ids(truth)
    images = {image.id: index for index, image in enumerate(truth.images)}
    categories = {category.id: index for index, category in enumerate(truth.categories)}
    image = np.array([images.get(id, -1) for id in truth.image_ids], dtype=np.int64)
    category = np.array([categories.get(id, -1) for id in truth.category_ids], dtype=np.int64)
    left_out: Counter[str] = Counter()
    rows = []
    for row, skipped in enumerate(truth.skip_reasons):
        reason = "crowd" if truth.is_crowd[row] else skipped
        reason = reason or ("no image record" if image[row] < 0 else "")
        reason = reason or ("unknown category" if category[row] < 0 else "")
        if reason:
            left_out[reason] += 1
        else:
            rows.append(row)
    if not rows:
        raise InputError(
            f"{truth.path}: has no mask to score against ({len(truth)} annotations: "
            f"{dict(left_out)}); give the file with the true masks first."
        )
    kept = np.array(rows, dtype=np.int64)
    return Instances(kept, image[kept], category[kept], dict(left_out))


def pair(truth: MaskFile, instances: Instances, predicted: MaskFile) -> Pairing:
    """Find each instance's prediction by id, or by place in a results list that has no ids."""
    positions = _positions(truth, predicted)
    if positions and positions.keys().isdisjoint(truth.ids):
        raise InputError(
            f"{predicted.path}: none of its ids is one of {truth.path}: the first are "
            f"{predicted.ids[0]!r} and {truth.ids[0]!r}. Text and numbers are different ids; "
            "predict from this very ground truth."
        )
    rows = np.full(len(instances.rows), -1, dtype=np.int64)
    missing: Counter[str] = Counter()
    missing_ids: list[Id] = []
    for place, row in enumerate(instances.rows):
        other = positions.get(truth.ids[row], -1)
        reason = "no annotation of this id" if other < 0 else predicted.skip_reasons[other]
        if reason:
            missing[reason] += 1
            missing_ids.append(truth.ids[row])
            continue
        _check_image(truth, int(row), predicted, other)
        rows[place] = other
    known = set(truth.ids)
    extra = [id for id in positions if id not in known]
    return Pairing(rows, dict(missing), missing_ids[:_MAX_NAMED], len(extra), extra[:_MAX_NAMED])


def _unique_ids(masks: MaskFile) -> dict[Id, int]:
    """Map each annotation id to its record; a missing or repeated id is an InputError."""
    first: dict[Id, int] = {}
    for row, id in enumerate(masks.ids):
        if id is None:
            raise InputError(f"{masks.path}: record {row} has no annotation id to pair it by.")
        before = first.setdefault(id, row)
        if before != row:
            raise InputError(
                f"{masks.path}: records {before} and {row} both have the annotation id {id!r}; "
                "masks are paired by id, so give each annotation an id of its own."
            )
    return first


def _positions(truth: MaskFile, predicted: MaskFile) -> dict[Id, int]:
    if any(id is not None for id in predicted.ids):
        return _unique_ids(predicted)
    # A results list carries no ids: only the very order of the ground truth can stand in for them.
    for rows in (range(len(truth)), np.flatnonzero(~truth.is_crowd).tolist()):
        same_images = [truth.image_ids[row] for row in rows] == list(predicted.image_ids)
        same_classes = [truth.category_ids[row] for row in rows] == list(predicted.category_ids)
        if same_images and same_classes:
            return {truth.ids[row]: place for place, row in enumerate(rows)}
    raise InputError(
        f"{predicted.path}: its {len(predicted)} entries have no annotation ids and are not in the "
        f'order of {truth.path}; add to each entry the "id" of its ground-truth annotation.'
    )


def _check_image(truth: MaskFile, row: int, predicted: MaskFile, other: int) -> None:
    if predicted.image_ids[other] not in (None, truth.image_ids[row]):
        raise InputError(
            f"{truth.name(row)} is on image {truth.image_ids[row]!r}, but {predicted.name(other)} "
            f"is on image {predicted.image_ids[other]!r}; these files do not belong together."
        )
