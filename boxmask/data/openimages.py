"""OpenImages' CSV of boxes: corners in fractions of the image, classes by the ids of a knowledge
graph, whose names are in a CSV of class descriptions beside it.

A box around a group (IsGroupOf) is a crowd.
"""

import re

from boxmask.data.raw.input import Input
from boxmask.data.sources.delimited import (
    Table,
    column,
    first_line,
    header_of,
    require_columns,
    split_fields,
)
from boxmask.data.sources.origin import text_of
from boxmask.data.sources.table import SourceTable
from boxmask.data.sources.units import numbers
from boxmask.dataset import BoxDataset
from boxmask.formats import ReadOptions

NO_NAMES = "classes without a name, for want of a CSV of class descriptions"

_SIDES = ("xmin", "ymin", "xmax", "ymax")
_DESCRIPTIONS = re.compile(r"class-descriptions.*\.csv$")


def recognises(source: Input) -> bool:
    """Tell whether the columns are those of OpenImages."""
    header = header_of(source)
    return all(column(header, name) >= 0 for name in ("imageid", "labelname", *_SIDES))


def read(source: Input, options: ReadOptions) -> BoxDataset:
    """Read the file; images are found by their ids, and their sizes when they are open."""
    header = header_of(source)
    columns = {name: column(header, name) for name in ("imageid", "labelname", *_SIDES)}
    require_columns(source, columns)
    group, confidence = column(header, "isgroupof"), column(header, "confidence")
    names = _names(source)
    table = SourceTable(source, "openimages", options, whole=1)
    split, named, _ = source.path.name.partition("-annotations")  # train-annotations-bbox.csv
    text = Table(source)
    images: dict[str, int] = {}
    unnamed: set[str] = set()
    wanted = max(columns.values())
    sides = [columns[side] for side in _SIDES]
    for fields in text.rows():
        fields += [""] * (wanted + 1 - len(fields))
        id, label = fields[columns["imageid"]], fields[columns["labelname"]]
        if id not in images:
            images[id] = table.add_image(*([f"{split}/{id}"] if named else []), id)
        if label not in names:
            unnamed.add(label)
        values = numbers([fields[side] for side in sides])
        scores = numbers([fields[confidence]]) if 0 <= confidence < len(fields) else None
        table.add(
            images[id],
            names.get(label, label),
            None if values is None else (values[0], values[1], values[2], values[3]),
            None,
            fault="" if values else "line cannot be read",
            crowd=0 <= group < len(fields) and fields[group].strip() == "1",
            score=scores[0] if scores else None,
        )
    return table.build(
        records=text.records,
        members={"source": {"file": source.path.name, "record": first_line(source)}},
        warnings={NO_NAMES: len(unnamed)},
    )


def _names(source: Input) -> dict[str, str]:
    """Return the names of the classes by their ids, from the file of them beside the boxes."""
    beside = sorted(path for path in source.folder.iterdir() if _DESCRIPTIONS.search(path.name))
    names: dict[str, str] = {}
    for path in beside:
        for line in text_of(path.read_bytes()).splitlines():
            fields = split_fields(line, ",")
            if len(fields) >= 2:
                names.setdefault(fields[0].strip(), fields[1].strip())
    return names
