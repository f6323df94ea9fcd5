"""Reads files of masks, in any of the forms that evaluation takes, without decoding the masks."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from msgspec import UNSET

from boxmask.data.box_forms import check_form, in_fractions, to_xywh
from boxmask.data.boxes import corners
from boxmask.data.ids import unique_positions
from boxmask.data.numbers import as_side
from boxmask.data.raw.document import Document, open_document
from boxmask.data.raw.records import Records, decode_records, slice_items, slice_list
from boxmask.data.segmentation import as_rectangle, is_filled
from boxmask.data.sources.units import Corners, around
from boxmask.data.turned_forms import is_turned, numbers_of, outlined_corners, to_corners
from boxmask.dataset import Category, Id
from boxmask.errors import InputError
from boxmask.evaluate.mask_file import FloatArray, ImageRecord, MaskFile, sizes_of
from boxmask.formats import BoxForm
from boxmask.mark import Mark, Status
from boxmask.unreadable import UNREADABLE

Row = TypeVar("Row", bound=msgspec.Struct)


class _Annotation(msgspec.Struct):
    id: Id | None = None
    image_id: Id | None = None
    category_id: Id | None = None
    bbox: list[float] | None = None
    area: float | None = None
    score: float | None = None
    iscrowd: int | bool = 0
    segmentation: msgspec.Raw = msgspec.Raw(b"null")
    boxmask: Mark | None = None


class _Image(msgspec.Struct):
    id: Id
    file_name: str = ""
    width: int | None = None
    height: int | None = None


class _Category(msgspec.Struct):
    id: Id
    name: str = ""


def read_masks(path: Path, *, predicted: bool = True, bbox: BoxForm = "auto") -> MaskFile:
    """Read a COCO form (ground truth or predictions) or a COCO results list.

    The box of a prediction is the one that it was made for, also where a tight one has its place.
    `bbox` is what the numbers of the boxes are, auto for x, y, width, height in pixels.
    """
    document = open_document(path)
    if document.items is not None:
        return _columns(document, slice_items(document), (), (), predicted, bbox)
    if "annotations" not in document.members:
        raise InputError(
            f"{path}: has no annotations; give a COCO form with masks or a COCO results list."
        )
    records = slice_list(document, "annotations")
    return _columns(document, records, _images(document), _categories(document), predicted, bbox)


def _columns(
    document: Document,
    records: Records,
    images: tuple[ImageRecord, ...],
    categories: tuple[Category, ...],
    predicted: bool,
    bbox: BoxForm,
) -> MaskFile:
    ids, image_ids, category_ids, skip_reasons = [], [], [], []
    numbers: list[tuple[float | None, ...]] = []
    turned: dict[int, Corners] = {}
    crowd, rectangles = [], []
    for row in _rows(document, records, "annotations", _Annotation):
        ids.append(row.id)
        image_ids.append(row.image_id)
        category_ids.append(row.category_id)
        skip_reasons.append(_skip_reason(row))
        crowd.append(bool(row.iscrowd))
        rectangles.append(as_rectangle(row.segmentation) is not None)
        quality = row.boxmask.predicted_iou if row.boxmask else None
        given = _given_box(document, row) if predicted else None
        if (corners := _corners_of_turned(row, bbox)) is not None:
            turned[len(numbers)] = around(corners)
        numbers.append((*_four(given or row.bbox), row.area, row.score, quality))
    table = np.array(numbers, dtype=np.float64).reshape(-1, 7)
    boxes = _corners(document.path, table[:, :4], bbox, image_ids, images)
    for place, bounds in turned.items():
        boxes[place] = bounds
    return MaskFile(
        path=document.path,
        ids=ids,
        image_ids=image_ids,
        category_ids=category_ids,
        boxes=boxes,
        areas=table[:, 4],
        scores=table[:, 5],
        qualities=table[:, 6],
        rectangles=np.array(rectangles, dtype=np.bool_),
        is_crowd=np.array(crowd, dtype=np.bool_),
        skip_reasons=skip_reasons,
        records=records,
        images=images,
        categories=categories,
    )


def _skip_reason(row: _Annotation) -> str:
    if row.boxmask is not None and row.boxmask.status == Status.REJECTED:
        return "rejected in a review"
    # A skipped annotation may still carry the mask that its input had: that is no prediction.
    if row.boxmask is not None and row.boxmask.status == Status.SKIPPED:
        return row.boxmask.reason or str(Status.SKIPPED)
    return "" if is_filled(row.segmentation) else "no segmentation"


def _given_box(document: Document, row: _Annotation) -> list[float] | None:
    """Return the box that a tight one has taken the place of, if there is one."""
    if row.boxmask is None or row.boxmask.given_box is UNSET:
        return None
    try:
        return msgspec.json.decode(row.boxmask.given_box, type=list[float] | None)
    except UNREADABLE as error:
        raise _not_coco(document, "annotations", row.id, error) from error


def _corners_of_turned(row: _Annotation, form: BoxForm) -> Sequence[float] | None:
    """Return the corners of the turned box of a record, if it has one."""
    mark = UNSET if row.boxmask is None else row.boxmask.turned_box
    corners = numbers_of(row.bbox, 8) if mark is UNSET else outlined_corners(mark)
    if corners is None and is_turned(form) and (five := numbers_of(row.bbox, 5)):
        corners = to_corners(np.array([five]), form)[0].tolist()
    return corners


def _four(bbox: list[float] | None) -> tuple[float | None, ...]:
    return (None, None, None, None) if bbox is None or len(bbox) != 4 else tuple(bbox)


def _corners(
    path: Path,
    numbers: FloatArray,
    bbox: BoxForm,
    image_ids: list[Id | None],
    images: tuple[ImageRecord, ...],
) -> FloatArray:
    """Turn the numbers of boxes as written (N, 4) into x0, y0, x1, y1 in pixels (N, 4)."""
    known = sizes_of(images)
    sizes = np.array([known.get(id, (0, 0)) for id in image_ids], np.int64).reshape(-1, 2)
    if bbox == "auto":
        check_form(path, numbers, sizes)
        return corners(numbers)
    boxes = corners(to_xywh(numbers, bbox))
    if in_fractions(bbox):
        boxes *= np.tile(np.where(sizes > 0, sizes, np.nan), 2)
    return boxes


def _images(document: Document) -> tuple[ImageRecord, ...]:
    if "images" not in document.members:
        return ()
    rows = list(_rows(document, slice_list(document, "images"), "images", _Image))
    unique_positions([row.id for row in rows], document.path, "images")
    return tuple(ImageRecord(r.id, r.file_name, as_side(r.width), as_side(r.height)) for r in rows)


def _categories(document: Document) -> tuple[Category, ...]:
    if "categories" not in document.members:
        return ()
    rows = list(_rows(document, slice_list(document, "categories"), "categories", _Category))
    unique_positions([row.id for row in rows], document.path, "categories")
    return tuple(Category(row.id, row.name) for row in rows)


def _rows(document: Document, records: Records, what: str, rows: type[Row]) -> Iterator[Row]:
    def strict(record: dict[str, object]) -> Row:
        try:
            return msgspec.json.decode(msgspec.json.encode(_strict(record)), type=rows)
        except (*UNREADABLE, OverflowError) as error:
            raise _not_coco(document, what, record.get("id"), error) from error

    for _, chunk in decode_records(document, records, what, rows, strict):
        yield from chunk


def _strict(value: object) -> object:
    """Return a value that strict JSON can hold: what Python's json reads may hold more.

    NaN and infinities become null when they are encoded; halves of characters are written out.
    """
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, list):
        return [_strict(item) for item in value]
    if isinstance(value, dict):
        return {str(_strict(key)): _strict(item) for key, item in value.items()}
    return value


def _not_coco(document: Document, what: str, id: object, error: Exception) -> InputError:
    return InputError(f"{document.path}: {what} {id!r} is not as COCO has it: {error}.")
