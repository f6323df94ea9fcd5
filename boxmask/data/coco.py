"""COCO instances JSON, and COCO-Camera-Traps metadata that has boxes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from boxmask.data.box_forms import check_form, in_fractions, to_xywh
from boxmask.data.boxes import Boxes, read_boxes
from boxmask.data.columns import build_dataset, sizes_of_rows
from boxmask.data.ids import positions_of
from boxmask.data.images import read_images
from boxmask.data.numbers import as_id
from boxmask.data.raw.document import Document, is_null
from boxmask.data.raw.input import Input
from boxmask.data.raw.records import RawMembers, as_object, decode_records, slice_list
from boxmask.data.segmentation import LONGEST_EMPTY, as_rectangle, is_filled
from boxmask.data.turned_forms import (
    SEGMENTATION,
    cvat_corners,
    is_turned,
    marked_corners,
    numbers_of,
    outlined_corners,
    require_said,
    to_corners,
)
from boxmask.dataset import BoxDataset, Category, Id
from boxmask.faults import FaultCodes
from boxmask.formats import ReadOptions
from boxmask.mark import Status, read_mark

REPEATED_CATEGORIES = "category ids that occur more than once"
_FALSE_TEXTS = ("", "0", "0.0", "false", "no", "nan", "none", "null")
_NULL = len(b"null")
_Four = tuple[float, float, float, float]


class _Annotation(msgspec.Struct, gc=False):
    id: int | str | float | None = None
    image_id: int | str | float | None = None
    category_id: int | str | float | None = None
    bbox: _Four | None = None
    bbox_relative: _Four | None = None
    iscrowd: int | float | bool | None = None
    attributes: msgspec.Raw = msgspec.Raw(b"null")
    segmentation: msgspec.Raw = msgspec.Raw(b"null")
    boxmask: msgspec.Raw = msgspec.Raw(b"null")


@dataclass
class _Columns:
    form: str
    ids: list[Id] = field(default_factory=list)
    image_ids: list[Id] = field(default_factory=list)
    category_ids: list[Id] = field(default_factory=list)
    xywh: list[Boxes] = field(default_factory=lambda: [np.zeros((0, 4))])
    faults: list[FaultCodes] = field(default_factory=lambda: [np.zeros(0, np.uint8)])
    fractions: list[bool] = field(default_factory=list)
    is_crowd: list[bool] = field(default_factory=list)
    has_mask: list[bool] = field(default_factory=list)
    is_rejected: list[bool] = field(default_factory=list)
    rectangles: dict[int, _Four] = field(default_factory=dict)  # by row
    turned: dict[int, Sequence[float]] = field(default_factory=dict)  # corners by row
    five: dict[int, Sequence[float]] = field(default_factory=dict)  # numbers of a bbox by row

    def add(self, rows: list[_Annotation]) -> None:
        self.ids += [row.id for row in rows]
        self.image_ids += [row.image_id for row in rows]
        self.category_ids += [row.category_id for row in rows]
        self.is_crowd += [bool(row.iscrowd) for row in rows]
        self.has_mask += [
            len(row.segmentation) > LONGEST_EMPTY or is_filled(row.segmentation) for row in rows
        ]
        self.is_rejected += [_is_rejected(row.boxmask) for row in rows]
        for place, row in enumerate(rows, start=len(self.ids) - len(rows)):
            rectangle = as_rectangle(row.segmentation)
            if rectangle is not None and b'"ok"' not in bytes(row.boxmask):  # not a mask of ours
                self.rectangles[place] = rectangle
            if self._may_be_turned(row):
                self._turn(place, row)
        fractions = [row.bbox is None and row.bbox_relative is not None for row in rows]
        boxes = [row.bbox if row.bbox is not None else row.bbox_relative for row in rows]
        xywh, faults = read_boxes(boxes)
        self.fractions += fractions
        self.xywh.append(xywh)
        self.faults.append(faults)

    def _may_be_turned(self, row: _Annotation) -> bool:
        """Tell whether a closer look is worth its time: most boxes are plainly upright."""
        upright = isinstance(row.bbox, tuple) and self.form != SEGMENTATION
        return not upright or len(row.attributes) > _NULL or b'"turned_box"' in bytes(row.boxmask)

    def _turn(self, place: int, row: _Annotation) -> None:
        """Find the turned box of a row, if its record has one."""
        bbox = list(row.bbox) if isinstance(row.bbox, tuple) else row.bbox
        corners = marked_corners(bytes(row.boxmask)) or numbers_of(bbox, 8)
        if corners is None and (five := numbers_of(bbox, 5)):
            self.five[place] = five
        if corners is None and self.form in ("auto", "xywh") and (four := numbers_of(bbox, 4)):
            corners = cvat_corners(four, bytes(row.attributes))
        if self.form == SEGMENTATION and corners is None:
            corners = outlined_corners(bytes(row.segmentation))
            self.has_mask[place] &= corners is None
        if corners is not None:
            self.turned[place] = corners

    def turned_boxes(self, path: Path) -> dict[int, Sequence[float]]:
        """Return the corners of turned boxes by row; InputError if it is not said what they are."""
        if is_turned(self.form):
            numbers = np.array(list(self.five.values())).reshape(-1, 5)
            found = to_corners(numbers, self.form).tolist()
            return self.turned | dict(zip(self.five, found, strict=True))
        require_said(path, self.five, len(self.ids))
        return self.turned


def recognises(source: Input) -> bool:
    """Tell whether the file is an object with images and annotations."""
    return source.has_members("images", "annotations")


def read(source: Input, options: ReadOptions) -> BoxDataset:
    """Read the file; `bbox` says what the numbers of its boxes are."""
    document = source.document
    has = 'a COCO file has "images", "annotations" and "categories"'
    document.require("images", "annotations", has=has)
    images = read_images(document)
    categories = _categories(document)
    records = slice_list(document, "annotations")
    columns = _Columns(options.bbox)
    for _, rows in decode_records(document, records, "annotations", _Annotation, _lenient):
        columns.add(rows)
    image_index = positions_of(images.positions, columns.image_ids)
    xywh, fractions = np.concatenate(columns.xywh), np.array(columns.fractions, np.bool_)
    if options.bbox == "auto":
        sizes = sizes_of_rows(images.widths, images.heights, image_index)
        check_form(document.path, xywh[~fractions], sizes[~fractions])
    else:
        xywh[~fractions] = to_xywh(xywh[~fractions], options.bbox)
        fractions |= in_fractions(options.bbox)
    turned, faults = columns.turned_boxes(document.path), np.concatenate(columns.faults)
    faults[list(turned)] = 0
    fractions[list(turned)] = False
    category_positions = {category.id: place for place, category in enumerate(categories)}
    return build_dataset(
        document.path,
        "coco",
        image_ids=images.ids,
        file_names=images.file_names,
        widths=images.widths,
        heights=images.heights,
        annotation_ids=columns.ids,
        xywh=xywh,
        faults=faults,
        fractions=fractions,
        image_index=image_index,
        category_index=positions_of(category_positions, columns.category_ids),
        categories=categories,
        is_crowd=np.array(columns.is_crowd, np.bool_),
        has_mask=np.array(columns.has_mask, np.bool_),
        is_rejected=np.array(columns.is_rejected, np.bool_),
        rectangles=columns.rectangles,
        turned=turned,
        box_form="" if options.bbox in ("auto", "xywh") else options.bbox,
        records=records,
        image_records=images.records,
        members=RawMembers(document),
        warnings={REPEATED_CATEGORIES: len(categories) - len(category_positions)},
    )


def _categories(document: Document) -> list[Category]:
    """Read the categories; a file without them is fine, its boxes just belong to none."""
    if is_null(document.members.get("categories")):
        return []
    records = slice_list(document, "categories")
    categories = []
    for place in range(len(records)):
        values = as_object(records[place], f"{document.path}: categories[{place}]")
        id, name = as_id(values.get("id")), values.get("name")
        categories.append(Category(id, name if isinstance(name, str) else str(id)))
    return categories


def _is_crowd(value: object) -> bool:
    """Texts count as what they say: a file made from a table may have "0" everywhere."""
    return bool(value) and value == value and str(value).strip().lower() not in _FALSE_TEXTS


def _is_rejected(raw: msgspec.Raw) -> bool:
    """Tell whether a mark says that a person took the mask away."""
    if b'"rejected"' not in bytes(raw):
        return False
    mark = read_mark(raw)
    return mark is not None and mark.status == Status.REJECTED


def _lenient(values: dict[str, object]) -> _Annotation:
    """Take what can be taken; boxes stay as they are, to be judged by `read_boxes`."""
    row = _Annotation(
        id=as_id(values.get("id")),
        image_id=as_id(values.get("image_id")),
        category_id=as_id(values.get("category_id")),
        iscrowd=_is_crowd(values.get("iscrowd")),
        attributes=msgspec.Raw(json.dumps(values.get("attributes")).encode()),
        segmentation=msgspec.Raw(json.dumps(values.get("segmentation")).encode()),
        boxmask=msgspec.Raw(json.dumps(values.get("boxmask")).encode()),
    )
    row.bbox = values.get("bbox")  # type: ignore[assignment]
    row.bbox_relative = values.get("bbox_relative")  # type: ignore[assignment]
    return row
