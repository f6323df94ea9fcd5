"""CSV with a box on each line: filename, xmin, ymin, xmax, ymax, class, by the usual names.

Corners are edges in pixels as they are written, or fractions of the image if no number of the whole
file is above 1. A table without a header is taken if it is `path,x1,y1,x2,y2,class`; there a line
with the path alone is an image without boxes.
"""

from boxmask.data.numbers import as_side
from boxmask.data.raw.input import Input
from boxmask.data.sources.delimited import Table, column, first_line, header_of, require_columns
from boxmask.data.sources.photos import is_image
from boxmask.data.sources.table import SourceTable
from boxmask.data.sources.units import from_size, numbers
from boxmask.dataset import BoxDataset
from boxmask.formats import ReadOptions

IN_FRACTIONS = "boxes taken for fractions of the image, as no number is above 1"

_NAMES = {
    "image": ("filename", "file", "image", "imagepath", "path", "imageid", "imagename", "img"),
    "xmin": ("xmin", "x1", "x0", "left", "xtl", "bboxx1"),
    "ymin": ("ymin", "y1", "y0", "top", "ytl", "bboxy1"),
    "xmax": ("xmax", "x2", "right", "xbr", "bboxx2"),
    "ymax": ("ymax", "y2", "bottom", "ybr", "bboxy2"),
    "class": ("class", "label", "classname", "name", "category", "labelname", "object"),
}
_SIDES = ("xmin", "ymin", "xmax", "ymax")
_SIZED = {"xmin": ("x", "bboxx", *_NAMES["xmin"]), "ymin": ("y", "bboxy", *_NAMES["ymin"])}
_SIZED |= {"xmax": ("w", "width", "bboxwidth"), "ymax": ("h", "height", "bboxheight")}


def recognises(source: Input) -> bool:
    """Tell whether the header names an image and a box, or the first line is one."""
    columns, _, _ = _columns(header_of(source))
    return all(place >= 0 for name, place in columns.items() if name != "class")


def read(source: Input, options: ReadOptions) -> BoxDataset:
    """Read the file; the size of an image is taken where columns `width` and `height` say it."""
    header = header_of(source)
    columns, headed, sized = _columns(header)
    require_columns(source, {name: at for name, at in columns.items() if name != "class"})
    size = [-1, -1] if sized else [column(header, "width"), column(header, "height")]
    table = SourceTable(source, "csv", options)
    text = Table(source, headed=headed)
    images: dict[str, int] = {}
    wanted = max(*columns.values(), *size)
    for fields in text.rows():
        fields += [""] * (wanted + 1 - len(fields))
        name = fields[columns["image"]].strip()
        if name not in images:
            sides = numbers(fields[place] for place in size) if min(size) >= 0 else None
            width, height = map(as_side, sides or (0, 0))
            images[name] = table.add_image(name, size=(width, height))
        texts = [fields[columns[side]] for side in _SIDES]
        if not any(side.strip() for side in texts):
            text.records.drop_last()
            continue
        values = numbers(texts)
        corners = None
        if values is not None:
            x0, y0, x1, y1 = values
            corners = from_size(x0, y0, x1, y1) if sized else (x0, y0, x1, y1)
        label = fields[columns["class"]].strip() if columns["class"] >= 0 else "object"
        fault = "" if corners else "line cannot be read"
        table.add(images[name], label or None, corners, None, fault=fault)
    corner = [side for side in table.corners if side == side]
    if corner and max(corner) <= 1:
        table.whole = 1
    return table.build(
        records=text.records,
        members={"source": {"file": source.path.name, "record": first_line(source)}},
        warnings={IN_FRACTIONS: len(table.faults) if table.whole else 0},
    )


def _columns(header: list[str]) -> tuple[dict[str, int], bool, bool]:
    """Return the place of each column, whether there is a header, and whether boxes have a size."""
    columns = {name: column(header, *names) for name, names in _NAMES.items()}
    if len(header) == 6 and is_image(header[0]) and (numbers(header[1:5]) or not any(header[1:5])):
        return {"image": 0, "xmin": 1, "ymin": 2, "xmax": 3, "ymax": 4, "class": 5}, False, False
    if columns["xmax"] < 0 and columns["ymax"] < 0:
        sized = columns | {name: column(header, *names) for name, names in _SIZED.items()}
        return sized, True, True
    return columns, True, False
