"""YOLO label files: a class number and a box in fractions of the image on each line.

`class cx cy w h`, with a confidence after them where a detector wrote it; `class x y x y x y ...`
is an outline, a mask that exists. Outlines of just four corners throughout are turned boxes, as
YOLO-OBB has them.
"""

from collections.abc import Sequence

from boxmask.data.raw.input import Input
from boxmask.data.sources.origin import Origin, text_of
from boxmask.data.sources.table import SourceTable
from boxmask.data.sources.units import from_centre, numbers
from boxmask.data.sources.yolo_layout import MOST_CLASSES, find_layout, images_of
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.faults import code_of
from boxmask.formats import ReadOptions

NOT_FRACTIONS = "box is not in fractions of the image"
_ROUNDING = 0.01  # detectors let a box reach a little over the border
_CORNERS = {9, 10}  # columns: a class and four points, perhaps a confidence


def recognises(source: Input) -> bool:
    """Tell whether this is a data.yaml with splits and names, or a folder of label files."""
    return not source.is_json and find_layout(source) is not None


def files(source: Input) -> list[str]:
    """List the files that are read."""
    layout = find_layout(source)
    return [*layout.said_by, *layout.labels] if layout else []


def read(source: Input, options: ReadOptions) -> BoxDataset:
    """Read all label files; images are found by their names, and their sizes when they are open."""
    layout = find_layout(source)
    if layout is None:
        raise InputError(
            f"{source.path}: no YOLO labels here; a data.yaml with names and train, val or test "
            "was expected, or a folder of texts with lines like `0 0.5 0.5 0.2 0.3`."
        )
    texts = [text_of(source.content(label)).split("\n") for label in layout.labels]
    turned = _only_turned(texts)
    table = SourceTable(source, "yolo", options, whole=1)
    seen = -1
    for label, lines in zip(layout.labels, texts, strict=True):
        image = table.add_image(*images_of(label), origin=Origin(label))
        for number, line in enumerate(lines, 1):
            if line.strip():
                origin = Origin(label, line=number, record=line.rstrip("\r"))
                seen = max(seen, _add(table, image, origin, line.split(), turned))
    _refuse_pixels(table, source)
    names = layout.names or [str(number) for number in range(seen + 1)]
    said = {name: text_of(source.content(name)) for name in layout.said_by}
    # ultralytics turns images by their EXIF tag before it trains on them.
    return table.build(names, members={"source": {"files": said}}, rotated_if_unsized=True)


def _add(
    table: SourceTable, image: int, origin: Origin, fields: Sequence[str], turned: bool
) -> int:
    """Add one line; return its class number, -1 if it has none."""
    values = numbers(fields)
    if values is None or not (0 <= values[0] < MOST_CLASSES and values[0].is_integer()):
        table.add(image, None, None, origin, fault="line cannot be read")
        return -1
    number, sides = int(values[0]), values[1:]
    far = NOT_FRACTIONS if any(side > 1 + _ROUNDING for side in sides) else ""
    if len(sides) in (4, 5):
        score = sides[4] if len(sides) == 5 else None
        table.add(image, number, from_centre(*sides[:4]), origin, fault=far, score=score)
    elif len(sides) >= 6:
        points, score = (sides, None) if len(sides) % 2 == 0 else (sides[:-1], sides[-1])
        if turned:
            table.add(image, number, None, origin, fault=far, score=score, turned=points)
        else:
            table.add(image, number, None, origin, fault=far, score=score, polygon=points)
    else:
        table.add(image, number, None, origin, fault="box does not have four numbers")
    return number


def _only_turned(texts: Sequence[Sequence[str]]) -> bool:
    """Tell whether all outlines have four corners: no tool that draws outlines does that."""
    lengths = {len(line.split()) for lines in texts for line in lines}
    return bool(lengths & _CORNERS) and not any(length > 6 for length in lengths - _CORNERS)


def _refuse_pixels(table: SourceTable, source: Input) -> None:
    """Raise InputError if most boxes reach far beyond 1: the labels are in pixels then."""
    wrong = code_of(NOT_FRACTIONS)
    if table.faults.count(wrong) * 2 > len(table.faults):
        first = table.origin(table.faults.index(wrong))
        raise InputError(
            f"{source.path}: {first.place}: {first.record!r}, and most other lines are like it; "
            "YOLO labels are fractions of the image, between 0 and 1. If these are pixels, write "
            "the boxes as CSV or COCO."
        )
