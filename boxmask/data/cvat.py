"""CVAT's XML for images, version 1.1: boxes; polygons and masks are masks that exist."""

from collections.abc import Mapping

import numpy as np

from boxmask.data.numbers import as_side
from boxmask.data.raw.document import MappedFile
from boxmask.data.raw.input import Input
from boxmask.data.sources.elements import Element, elements, root_of, without
from boxmask.data.sources.origin import Json, Origin, text_of
from boxmask.data.sources.table import SourceTable
from boxmask.data.sources.units import Corners, from_size, numbers
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.formats import ReadOptions
from boxmask.rle import encode
from boxmask.window import Window

SHAPES = ("box", "polygon", "mask", "polyline", "points", "ellipse", "cuboid", "skeleton")
_SIDES = ("xtl", "ytl", "xbr", "ybr")
_KEPT = ("occluded", "rotation", "z_order", "group_id", "source")


def recognises(source: Input) -> bool:
    """Tell whether this is an XML file with the root `annotations`."""
    return root_of(source.head) == "annotations"


def read(source: Input, options: ReadOptions) -> BoxDataset:
    """Read the file, photo by photo; a turned box is a row that cannot be used yet."""
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


def _add(table: SourceTable, image: int, shape: Element, origin: Origin) -> None:
    given = shape.attributes
    label = given.get("label")
    attributes: dict[str, object] = {key: given[key] for key in _KEPT if key in given}
    attributes |= {one.attributes.get("name", ""): one.text for one in shape.all("attribute")}
    corners: Corners | None = None
    polygon: list[float] | None = None
    rle: Json | None = None
    fault = ""
    if shape.tag == "box":
        values = numbers(given.get(side) for side in _SIDES)
        corners = None if values is None else (values[0], values[1], values[2], values[3])
        angle = (numbers([given.get("rotation", 0)]) or (0.0,))[0]
        fault = "box is turned" if angle % 360 else ""
    elif shape.tag == "polygon":
        points = numbers(given.get("points", "").replace(";", ",").split(","))
        polygon = list(points) if points and len(points) >= 6 and len(points) % 2 == 0 else None
    elif shape.tag == "mask":
        corners, rle = _mask(given, table.sizes[image])
    else:
        fault = "shape is not a box"
    if not fault and corners is None and polygon is None:
        fault = "box does not have four numbers"
    table.add(
        image,
        label,
        corners,
        origin,
        fault=fault,
        attributes=attributes,
        polygon=polygon,
        rle=rle,
    )


def _mask(given: Mapping[str, str], size: tuple[int, int]) -> tuple[Corners | None, Json | None]:
    """Return the box and COCO's run lengths of a mask, which CVAT runs row by row in its box."""
    values = numbers(given.get(key) for key in ("left", "top", "width", "height"))
    runs = numbers(given.get("rle", "").split(","))
    if values is None or runs is None or min(*values, *runs) < 0 or not all(size):
        return None, None
    x, y, w, h = map(int, values)
    if sum(runs) != w * h or x + w > size[0] or y + h > size[1]:
        return None, None
    filled = np.arange(len(runs)) % 2 == 1
    bits = filled.repeat(np.array(runs, np.int64)).reshape(h, w)
    counts = encode(Window(x, y, bits.T.copy()), width=size[0], height=size[1])
    area = int(bits.sum())
    rle = {"size": [size[1], size[0]], "counts": counts.decode()}
    return from_size(x, y, w, h), {"segmentation": rle, "area": area}
