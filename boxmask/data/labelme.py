"""LabelMe: one JSON a photo, with `shapes`. Rectangles are boxes; polygons and masks are masks.

`imageData`, the photo itself in base 64, is not repeated in the output.
"""

from pathlib import PurePosixPath

import msgspec

from boxmask.data.numbers import as_side
from boxmask.data.raw.document import Document, open_document
from boxmask.data.raw.input import Input
from boxmask.data.raw.records import as_object, raw_list
from boxmask.data.sources.masks import Size, png_mask
from boxmask.data.sources.origin import Json, Origin
from boxmask.data.sources.shapes import OTHER, UNREADABLE, Shape, box, outline, painted, turned_box
from boxmask.data.sources.table import SourceTable
from boxmask.data.sources.units import around, flat_points, numbers
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.formats import ReadOptions

_LOOKED_AT = 20  # files, before a folder is taken for one without annotations


def recognises(source: Input) -> bool:
    """Tell whether this is a JSON file with shapes, or a folder of them."""
    if not source.is_folder:
        return source.has_members("shapes", "imagePath")
    names = source.with_suffix(".json")[:_LOOKED_AT]
    return any(source.has_member(name, "shapes") for name in names)


def files(source: Input) -> list[str]:
    """List the files that are read; a folder may hold JSON of other kinds as well."""
    names = source.with_suffix(".json")
    return [name for name in names if source.has_member(name, "shapes") is not False]


def read(source: Input, options: ReadOptions) -> BoxDataset:
    """Read all files; one that is no LabelMe JSON counts as one row that cannot be used."""
    table = SourceTable(source, "labelme", options)
    for name in files(source) if source.is_folder else [source.path.name]:
        try:
            _add_photo(table, name, open_document(source.folder / name))
        except InputError:
            if not source.is_folder:
                raise
            table.add_unreadable(name, str(PurePosixPath(name).with_suffix("")))
    return table.build()


def shapes_of(document: Document) -> list[msgspec.Raw]:
    """Return the shapes of a file, one for each row that is read from it."""
    document.require("shapes", has='a LabelMe file has "shapes" and "imagePath"')
    return raw_list(document, "shapes")


def _add_photo(table: SourceTable, name: str, document: Document) -> None:
    shapes = shapes_of(document)
    others = {
        key: msgspec.Raw(document.original(raw))
        for key, raw in document.members.items()
        if key not in ("shapes", "imageData")
    }
    image = table.add_image(
        str(PurePosixPath(name).parent / photo_of(document)),
        size=(as_side(document.value("imageWidth")), as_side(document.value("imageHeight"))),
        origin=Origin(name, record=msgspec.Raw(msgspec.json.encode(others))),
    )
    for place, raw in enumerate(shapes, 1):
        record = msgspec.Raw(document.original(raw))
        _add(table, image, record, Origin(name, element=f"shapes[{place}]", record=record))


def photo_of(document: Document) -> str:
    """Return the path of the photo from the folder of the file."""
    path = document.value("imagePath")
    return path.replace("\\", "/") if isinstance(path, str) and path else document.path.stem


def _add(table: SourceTable, image: int, raw: bytes, origin: Origin) -> None:
    try:
        fields = as_object(raw, origin.place)
    except InputError:
        table.add_shape(image, None, UNREADABLE, origin)
        return
    label, flags = fields.get("label"), fields.get("flags")
    known = {"group_id": fields.get("group_id"), **(flags if isinstance(flags, dict) else {})}
    table.add_shape(
        image,
        str(label) if isinstance(label, str | int | float) else None,
        _shape(fields, table.sizes[image]),
        origin,
        attributes={key: value for key, value in known.items() if value is not None},
    )


def _shape(fields: Json, size: Size) -> Shape:
    points = numbers(flat_points(fields.get("points"))) or ()
    match fields.get("shape_type") or "polygon":  # what the oldest files mean
        case "rectangle":
            return box(around(points) if len(points) in (4, 8) else None)
        case "polygon":
            return outline(points)
        case "mask":
            return painted(png_mask(fields.get("mask"), points, size))
        case "rotation" | "oriented_rectangle":  # the first of X-AnyLabeling
            return turned_box(points)
    return OTHER
