"""Pascal VOC: one XML a photo, with an `object` for each box.

VOC counts pixels from 1 and includes the last, so that (xmin, ymin, xmax, ymax) covers from xmin-1
to xmax. Tools that count from 0 write a 0 somewhere: if any xmin or ymin of the whole source is
below 1, all corners are taken as they are.

roLabelImg writes a `robndbox` for a turned box: its centre and sides, and by how many radians it is
turned clockwise. labelImg2 writes the same element in degrees from another zero; nothing but larger
numbers tells them apart.
"""

import math
from pathlib import PurePosixPath

from boxmask.data.numbers import as_side
from boxmask.data.raw.input import Input, head_of
from boxmask.data.sources.elements import Element, elements, root_of, without
from boxmask.data.sources.origin import Origin, text_of
from boxmask.data.sources.photos import is_image
from boxmask.data.sources.shapes import UNREADABLE, Shape, box, turned_box
from boxmask.data.sources.table import SourceTable
from boxmask.data.sources.units import from_centre, numbers, turned_about_centre
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.faults import code_of
from boxmask.formats import ReadOptions

FROM_ZERO = "boxes whose corners count from 0, as a corner below 1 in the source tells"

_SIDES = ("xmin", "ymin", "xmax", "ymax")
_TURNED = ("cx", "cy", "w", "h", "angle")
_NO_RADIANS = "turned box whose angle is not in radians"
_ATTRIBUTES = ("pose", "truncated", "difficult", "occluded")
_LOOKED_AT = 20  # files, before a folder is taken for one without annotations


def recognises(source: Input) -> bool:
    """Tell whether this is an XML file with the root `annotation`, or a folder of them."""
    names = source.with_suffix(".xml")[:_LOOKED_AT]
    return any(root_of(head_of(source.folder / name)) == "annotation" for name in names)


def files(source: Input) -> list[str]:
    """List the files that are read; a folder may hold XML of other kinds as well."""
    names = source.with_suffix(".xml")
    return [name for name in names if root_of(head_of(source.folder / name)) in ("annotation", "")]


def read(source: Input, options: ReadOptions) -> BoxDataset:
    """Read all files; one that is no XML counts as one row that cannot be used."""
    table = SourceTable(source, "voc", options)
    names = files(source)
    if not names:
        raise InputError(f"{source.path}: no XML file with the root <annotation> here.")
    for name in names:
        data = source.content(name)
        try:
            roots = list(elements(data, "annotation", str(source.folder / name)))
        except InputError:
            if not source.is_folder:
                raise
            table.add_unreadable(name, *_photos(name, ""))
            continue
        for root in roots:
            _add_photo(table, name, data, root)
    _leave_out_degrees(table)
    shifted = _count_from_zero(table)
    return table.build(warnings={FROM_ZERO: 0 if shifted else len(table.faults)})


def _add_photo(table: SourceTable, name: str, data: bytes, root: Element) -> None:
    found = root.all("object")
    size = root.find("size")
    sides = None if size is None else numbers([size.value("width"), size.value("height")])
    width, height = map(as_side, sides or (0, 0))
    image = table.add_image(
        *_photos(name, root.value("filename") or ""),
        size=(width, height),
        origin=Origin(name, record=without(data, root.start, root.end, found)),
    )
    for place, element in enumerate(found, 1):
        text = text_of(data[element.start : element.end])
        origin = Origin(name, element=f"object[{place}]", record=text)
        values = {key: element.value(key) for key in _ATTRIBUTES}
        attributes = {key: _flag(value) for key, value in values.items() if value is not None}
        label = element.value("name")
        table.add_shape(image, label, _shape(element), origin, attributes=attributes)


def _shape(element: Element) -> Shape:
    """Read the box of an object, turned or not; without any it is no more than a name."""
    upright, turned = element.find("bndbox"), element.find("robndbox")
    if turned is None:
        return Shape() if upright is None else box(numbers(map(upright.value, _SIDES)))
    values = numbers(map(turned.value, _TURNED))
    if values is None:
        return UNREADABLE
    cx, cy, w, h, angle = values
    if not abs(angle) <= math.tau:
        return Shape(fault=_NO_RADIANS)
    return turned_box(turned_about_centre(from_centre(cx, cy, w, h), math.degrees(angle)))


def _leave_out_degrees(table: SourceTable) -> None:
    """Skip all turned boxes if the angle of any is too large for radians: it is another unit."""
    code = code_of(_NO_RADIANS)
    if code in table.faults:
        for row in table.turned:
            table.faults[row] = code


def _flag(value: str) -> str | int:
    return int(value) if value in ("0", "1") else value


def _photos(name: str, file_name: str) -> list[str]:
    """Return where the photo of a file may be: in a folder of its own, or beside the file."""
    path = PurePosixPath(name)
    stem = file_name if is_image(file_name) else file_name or path.stem
    above = path.parent.parent
    return [str(place / stem) for place in (above / "JPEGImages", path.parent, above / "images")]


def _count_from_zero(table: SourceTable) -> bool:
    """Take corners from VOC's count of pixels to edges; False if they count from 0 already.

    Those of turned boxes lie on edges as they are.
    """
    corners = table.corners
    upright = [4 * row for row in range(len(table.faults)) if row not in table.turned]
    if any(corners[place] < 1 or corners[place + 1] < 1 for place in upright):
        return False
    for place in upright:
        corners[place] -= 1
        corners[place + 1] -= 1
    return True
