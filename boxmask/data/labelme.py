"""LabelMe: one JSON a photo, with `shapes`; rectangles are boxes, polygons are masks that exist.

`imageData`, the photo itself in base 64, is not repeated in the output.
"""

from pathlib import PurePosixPath

import msgspec

from boxmask.data.numbers import as_side
from boxmask.data.raw.input import Input, head_of
from boxmask.data.raw.repair import strict_copy
from boxmask.data.sources.origin import Origin, text_of
from boxmask.data.sources.table import SourceTable
from boxmask.data.sources.units import around
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.formats import ReadOptions
from boxmask.unreadable import UNREADABLE

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LEFT_OUT = ("shapes", "imageData")
_LOOKED_AT = 20  # files, before a folder is taken for one without annotations


class _File(msgspec.Struct):
    shapes: list[msgspec.Raw]
    imagePath: str | None = None
    imageWidth: object = None
    imageHeight: object = None


class _Shape(msgspec.Struct):
    label: str | int | float | None = None
    points: list[list[float]] = []
    shape_type: str | None = None
    flags: dict[str, object] | None = None
    group_id: object = None
    description: str | None = None


_FILE, _SHAPE = msgspec.json.Decoder(_File), msgspec.json.Decoder(_Shape)


def recognises(source: Input) -> bool:
    """Tell whether this is a JSON file with shapes, or a folder of them."""
    if not source.is_folder:
        return source.has_members("shapes") and "imagePath" in source.document.members
    return any(_has_shapes(source, name) for name in source.with_suffix(".json")[:_LOOKED_AT])


def files(source: Input) -> list[str]:
    """List the files that are read; a folder may hold JSON of other kinds as well."""
    names = source.with_suffix(".json")
    return [name for name in names if _has_shapes(source, name) or not _is_other(source, name)]


def read(source: Input, options: ReadOptions) -> BoxDataset:
    """Read all files; one that is no LabelMe JSON counts as one row that cannot be used."""
    table = SourceTable(source, "labelme", options)
    for name in files(source) if source.is_folder else [source.path.name]:
        data = source.content(name)
        try:
            decoded, others = _decode(data)
        except UNREADABLE as error:
            if not source.is_folder:
                raise InputError(
                    f"{source.path}: not a LabelMe file ({error}); an object with shapes and "
                    "imagePath was expected."
                ) from error
            image = table.add_image(str(PurePosixPath(name).with_suffix("")), origin=Origin(name))
            origin = Origin(name, record=text_of(data))
            table.add(image, None, None, origin, fault="file cannot be read")
            continue
        photo = (decoded.imagePath or PurePosixPath(name).stem).replace("\\", "/")
        image = table.add_image(
            str(PurePosixPath(name).parent / photo),
            size=(as_side(decoded.imageWidth), as_side(decoded.imageHeight)),
            origin=Origin(name, record=others),
        )
        for place, raw in enumerate(decoded.shapes, 1):
            _add(table, image, raw, Origin(name, element=f"shapes[{place}]", record=raw))
    return table.build()


def _add(table: SourceTable, image: int, raw: msgspec.Raw, origin: Origin) -> None:
    try:
        shape = _SHAPE.decode(raw)
        points = [float(side) for x, y in shape.points for side in (x, y)]
    except (*UNREADABLE, ValueError):
        table.add(image, None, None, origin, fault="box does not have four numbers")
        return
    label = None if shape.label is None else str(shape.label)
    known = {"group_id": shape.group_id, **(shape.flags or {})}
    attributes = {key: value for key, value in known.items() if value is not None}
    kind = shape.shape_type or "polygon"  # what the oldest files mean
    if kind == "rectangle" and len(points) in (4, 8):
        table.add(image, label, around(points), origin, attributes=attributes)
    elif kind == "polygon" and len(points) >= 6:
        table.add(image, label, None, origin, attributes=attributes, polygon=points)
    else:
        fault = "box is turned" if kind == "rotation" else "shape is not a box"
        fault = "box does not have four numbers" if kind in ("rectangle", "polygon") else fault
        table.add(image, label, None, origin, fault=fault, attributes=attributes)


def _decode(data: bytes) -> tuple[_File, msgspec.Raw]:
    """Return what is needed of a file, and its other members as JSON."""
    try:
        decoded = _FILE.decode(data)
    except msgspec.ValidationError:
        raise
    except UNREADABLE:
        data = bytes(strict_copy(data))
        decoded = _FILE.decode(data)
    members = _MEMBERS.decode(data)
    others = {key: raw for key, raw in members.items() if key not in _LEFT_OUT}
    return decoded, msgspec.Raw(msgspec.json.encode(others))


def _has_shapes(source: Input, name: str) -> bool:
    head = head_of(source.folder / name)
    return b'"shapes"' in head or b'"imagePath"' in head


def _is_other(source: Input, name: str) -> bool:
    """Tell whether a file without shapes at its beginning is sound JSON, so of another kind."""
    try:
        return "shapes" not in _MEMBERS.decode(source.content(name))
    except msgspec.ValidationError:
        return True
    except (*UNREADABLE, InputError):
        return False
