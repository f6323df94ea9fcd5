"""Visual Genome's objects.json (v1.0, v1.2, v1.4), with image_data.json for paths and sizes."""

from collections.abc import Iterable

import msgspec
import numpy as np

from boxmask.data.boxes import read_boxes
from boxmask.data.columns import build_dataset
from boxmask.data.genome.categories import GenomeCategories
from boxmask.data.genome.images import resolve_images
from boxmask.data.ids import compact, unique_positions
from boxmask.data.numbers import as_id
from boxmask.data.raw.input import Input
from boxmask.data.raw.nested import NestedReader
from boxmask.dataset import BoxDataset, Id
from boxmask.errors import InputError
from boxmask.formats import ReadOptions

_SIDES = ("x", "y", "w", "h")


class _Object(msgspec.Struct, gc=False):
    object_id: int | str | float | None = None
    id: int | str | float | None = None  # what the oldest files call it
    x: float | None = None
    y: float | None = None
    w: float | None = None
    h: float | None = None
    names: list[str] = []
    synsets: list[str] = []
    broken_box: list[object] | None = None


def recognises(source: Input) -> bool:
    """Tell whether the file is a list of images with objects."""
    return source.is_json and "objects" in source.document.item_keys()


def read(source: Input, options: ReadOptions) -> BoxDataset:
    """Read the file; image_data.json, from the options or beside it, gives paths and sizes."""
    document = source.document
    if document.items is None:
        raise InputError(
            f"{document.path}: the top level is not a list; Visual Genome's objects.json is a list "
            f'of images with "image_id" and "objects". Found: {document.describe_top_level()}.'
        )
    nested = NestedReader(document, "images", "objects", _Object, _lenient)
    categories = GenomeCategories(options)
    image_ids: list[Id] = []
    urls: list[object] = []
    ids: list[Id] = []
    boxes: list[object] = []
    for fields, rows in nested.read(document.items):
        image_ids.append(as_id(fields.get("image_id", fields.get("id"))))
        urls.append(fields.get("image_url"))
        ids += [row.id if row.object_id is None else row.object_id for row in rows]
        boxes += [_box(row) for row in rows]
        categories.add([row.names for row in rows], [row.synsets for row in rows])
    unique_positions(image_ids, document.path, "images")
    xywh, faults = read_boxes(boxes)
    category_index, category_faults = categories.index()
    images = resolve_images(document, image_ids, urls, options)
    return build_dataset(
        document.path,
        "visual-genome",
        image_ids=compact(image_ids),
        file_names=images.file_names,
        widths=images.widths,
        heights=images.heights,
        annotation_ids=ids,
        xywh=xywh,
        faults=np.where(faults == 0, category_faults, faults),
        image_index=nested.image_index(),
        category_index=category_index,
        categories=categories.selected(),
        records=nested.records(),
        image_records=images.records,
        warnings=images.warnings,
    )


def _box(row: _Object) -> object:
    if row.x is None or row.y is None or row.w is None or row.h is None:
        return row.broken_box
    return (row.x, row.y, row.w, row.h)


def _lenient(values: dict[str, object]) -> _Object:
    sides = [values.get(side) for side in _SIDES]
    return _Object(
        object_id=as_id(values.get("object_id")),
        id=as_id(values.get("id")),
        names=_texts(values.get("names")),
        synsets=_texts(values.get("synsets")),
        broken_box=None if None in sides else sides,
    )


def _texts(value: object) -> list[str]:
    texts = value if isinstance(value, Iterable) and not isinstance(value, str) else ()
    return [text for text in texts if isinstance(text, str)]
