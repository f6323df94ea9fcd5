"""CVAT's XML for images, version 1.1: boxes; polygons and masks are masks that exist."""

from collections.abc import Mapping

from boxmask.data.numbers import as_side
from boxmask.data.raw.document import MappedFile
from boxmask.data.raw.input import Input
from boxmask.data.sources.elements import Element, elements, root_of, without
from boxmask.data.sources.masks import Size, SourceMask, bits_of_runs, source_mask
from boxmask.data.sources.origin import Origin, text_of
from boxmask.data.sources.shapes import OTHER, Shape, box, degrees_of, outline, painted, turned_box
from boxmask.data.sources.table import SourceTable
from boxmask.data.sources.units import numbers, turned_about_centre
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.formats import ReadOptions

SHAPES = ("box", "polygon", "mask", "polyline", "points", "ellipse", "cuboid", "skeleton")
_SIDES = ("xtl", "ytl", "xbr", "ybr")
_KEPT = ("occluded", "rotation", "z_order", "group_id", "source")


def recognises(source: Input) -> bool:
    """Tell whether this is an XML file with the root `annotations`."""
    return root_of(source.head) == "annotations"


def read(source: Input, options: ReadOptions) -> BoxDataset:
    """Read the file, photo by photo."""
    data = bytes(MappedFile(source.path).data)
    name = source.path.name
    table = SourceTable(source, "cvat", options)
    photos = []
    for photo in elements(data, "image", str(source.path)):
        shapes = photo.all(*SHAPES)
        sides = numbers(photo.attributes.get(side, 0) for side in ("width", "height")) or (0, 0)
        image = table.add_image(
            photo.attributes.get("name", ""),
            size=(as_side(sides[0]), as_side(sides[1])),
            origin=Origin(name, record=without(data, photo.start, photo.end, shapes)),
        )
        for place, shape in enumerate(shapes, 1):
            text = text_of(data[shape.start : shape.end])
            element = f"image[{image + 1}]/shape[{place}]"
            _add(table, image, shape, Origin(name, element=element, record=text))
        photo.children.clear()
        photos.append(photo)
    if not photos and b"<track" in data:
        raise InputError(
            f"{source.path}: these are tracks of CVAT for video; export them as CVAT for images."
        )
    rest = without(data, 0, len(data), photos)
    return table.build(members={"source": {"file": name, "record": rest}})


def _add(table: SourceTable, image: int, element: Element, origin: Origin) -> None:
    given = element.attributes
    attributes = {key: given[key] for key in _KEPT if key in given}
    attributes |= {one.attributes.get("name", ""): one.text for one in element.all("attribute")}
    shape = _shape(element, table.sizes[image])
    table.add_shape(image, given.get("label"), shape, origin, attributes=attributes)


def _shape(element: Element, size: Size) -> Shape:
    given = element.attributes
    if element.tag == "box":
        sides, degrees = numbers(map(given.get, _SIDES)), degrees_of(given.get("rotation"))
        if sides is None or not degrees:
            return box(sides)
        x0, y0, x1, y1 = sides
        return turned_box(turned_about_centre((x0, y0, x1, y1), degrees))
    if element.tag == "polygon":
        return outline(numbers(given.get("points", "").replace(";", ",").split(",")))
    return painted(_mask(given, size)) if element.tag == "mask" else OTHER


def _mask(given: Mapping[str, str], size: Size) -> SourceMask | None:
    """Read a mask, which CVAT runs row by row in its box."""
    values = numbers(given.get(key) for key in ("left", "top", "width", "height"))
    runs = numbers(given.get("rle", "").split(","))
    if values is None or runs is None or not all(0 <= value <= max(size) for value in values):
        return None
    x, y, width, height = map(int, values)
    bits = bits_of_runs(runs, width, height)
    return None if bits is None else source_mask(bits, x, y, size)
