"""An instance as the page gets it: everything that is drawn or written of it, as JSON values."""

import math
from collections.abc import Sequence
from typing import Any

from boxmask.errors import InputError
from boxmask.review.instances import STATUSES, Box, Instances
from boxmask.review.judgements import Drawn, Judgement
from boxmask.review.masks import Rle, rle_hash, shape_of
from boxmask.review.pictures import Window

Json = dict[str, Any]

_CONTEXT = 0.35  # how much a crop shows around its box, in sides of the box
_LEAST_MARGIN = 8


def describe(instances: Instances, row: int, judgement: Judgement | None) -> Json:
    """Describe a row of the file as it stands."""
    image = int(instances.dataset.image_index[row])
    rle, reason = _mask(instances, row)
    box = instances.box(row) if image >= 0 else None
    correction = judgement.correction if judgement else None
    if correction is not None:
        rle, reason, box = correction.rle, "", correction.box or box
    iou = float(instances.iou[row])
    return _values(
        instances,
        row,
        image,
        box=box,
        corners=instances.corners(row) if image >= 0 else None,
        rle=rle,
        id=text_of(instances.dataset.annotation_ids[row]),
        category=instances.category(row),
        status=STATUSES[instances.status[row]],
        reason=reason,
        iou=None if iou != iou else round(iou, 4),
        verdict=_verdict(judgement),
        corrected=correction is not None,
        drawn=False,
    )


def describe_drawn(instances: Instances, drawn: Drawn, image: int) -> Json:
    """Describe an annotation that was drawn in the review; image -1: the file lacks it now."""
    return _values(
        instances,
        drawn.row,
        image,
        box=drawn.standing_box,
        corners=None,
        rle=drawn.standing_rle,
        id="",
        category=drawn.category,
        status="drawn",
        reason="" if image >= 0 else "no image record",
        iou=None,
        verdict=_verdict(drawn.judgement),
        corrected=drawn.judgement.correction is not None,
        drawn=True,
    )


def _values(
    instances: Instances,
    row: int | str,
    image: int,
    *,
    box: Box | None,
    rle: Rle | None,
    **own: Any,
) -> Json:
    width, height = instances.size(image) if image >= 0 else (0, 0)
    shape = None if rle is None else shape_of(rle)
    mask_box = shape.box if shape else None
    return {
        "row": row,
        "image": image,
        "file_name": instances.dataset.file_names[image] if image >= 0 else "",
        "width": width,
        "height": height,
        **own,
        "box": None if box is None else [round(side, 2) for side in box],
        "mask_box": mask_box,
        "hash": None if rle is None else rle_hash(rle),
        "rings": shape.rings if shape else None,
        "window": window_of([box, mask_box], width, height),
    }


def window_of(boxes: Sequence[Box | None], width: int, height: int) -> Window:
    """Return the part (x, y, w, h) of an image that shows some boxes (x, y, w, h) in context."""
    known = [box for box in boxes if box is not None]
    if not (known and width and height):
        return 0, 0, width, height
    x0, y0 = (min(box[side] for box in known) for side in (0, 1))
    x1, y1 = (max(box[side] + box[side + 2] for box in known) for side in (0, 1))
    margin = max(_CONTEXT * max(x1 - x0, y1 - y0), _LEAST_MARGIN)
    left, right = _span(x0 - margin, x1 + margin, width)
    top, bottom = _span(y0 - margin, y1 + margin, height)
    return left, top, right - left, bottom - top


def _span(low: float, high: float, length: int) -> tuple[int, int]:
    """Return the pixels from `low` to `high` within a length, at least one."""
    first = math.floor(min(max(low, 0), length - 1))
    return first, math.ceil(max(min(high, length), first + 1))


def _mask(instances: Instances, row: int) -> tuple[Rle | None, str]:
    """Return the mask that the file has of a row, and why there is none or it was skipped."""
    try:
        return instances.rle(row), instances.reason_of(row)
    except InputError as error:
        return None, str(error)


def _verdict(judgement: Judgement | None) -> Json | None:
    if judgement is None or judgement.verdict == "none":
        return None
    return {"verdict": judgement.verdict, "at": judgement.at, "seq": judgement.seq}


def text_of(id: object) -> str:
    """Write an id for people, "" if there is none."""
    return "" if id is None else str(id)
