"""DOTA's label files, labelTxt: eight corners and a class name on each line, then how difficult.

`x1 y1 x2 y2 x3 y3 x4 y4 plane 0`, in pixels, in order round a turned box. Lines before them say
`imagesource:` and `gsd:`, the size of a pixel on the ground.
"""

from pathlib import PurePosixPath

from boxmask.data.raw.input import Input
from boxmask.data.sources.origin import Origin, text_of
from boxmask.data.sources.table import SourceTable
from boxmask.data.sources.units import numbers
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.formats import ReadOptions

_HEAD = ("imagesource", "gsd")
_FEWEST = 9  # fields: some lines do not say how difficult
_LABELS = "labeltxt"  # how a folder of labels begins
_LOOKED_AT = 20  # texts, before a folder is taken for one without labels


def recognises(source: Input) -> bool:
    """Tell whether this is a label file, or a folder of them."""
    return not source.is_json and bool(files(source))


def files(source: Input) -> list[str]:
    """List the label files."""
    if not source.is_folder:
        names = [source.path.name] if source.path.suffix == ".txt" else []
        return [name for name in names if _has_labels(source, name)]
    texts = source.with_suffix(".txt")
    inside = [name for name in texts if _folder_of_labels(name) is not None] or texts
    return inside if any(_has_labels(source, name) for name in inside[:_LOOKED_AT]) else []


def read(source: Input, options: ReadOptions) -> BoxDataset:
    """Read all label files; images are found by their names."""
    labels = files(source)
    if not labels:
        raise InputError(
            f"{source.path}: no DOTA labels here; texts with lines like "
            "`10 10 60 20 58 30 8 20 ship 0` were expected."
        )
    table = SourceTable(source, "dota", options)
    for name in labels:
        lines = text_of(source.content(name)).split("\n")
        head = [line for line in lines if _is_head(line)]
        image = table.add_image(*images_of(name), origin=Origin(name, record="\n".join(head)))
        for number, line in enumerate(lines, 1):
            if line.strip() and not _is_head(line):
                _add(table, image, Origin(name, line=number, record=line.rstrip("\r")))
    return table.build()


def _add(table: SourceTable, image: int, origin: Origin) -> None:
    fields = str(origin.record).split()
    corners = numbers(fields[:8])
    if len(fields) < _FEWEST or corners is None:
        table.add(image, None, None, origin, fault="line cannot be read")
        return
    more = {"difficult": fields[_FEWEST]} if len(fields) > _FEWEST else None
    table.add(image, fields[8], None, origin, attributes=more, turned=corners)


def images_of(label: str) -> list[str]:
    """Return where the image of a label file may be, without its ending."""
    path = PurePosixPath(label).with_suffix("")
    place = _folder_of_labels(label)
    if place is None:
        return [str(path)]
    before, after = path.parts[:place], path.parts[place + 1 :]
    # As it is packed, labelTxt-v1.0/labelTxt lies beside images/images; or else beside images.
    plain = [part for part in before if not part.lower().startswith(_LABELS)]
    folders = ["images/images", "images", ""]
    return [str(PurePosixPath(*plain, folder, *after)) for folder in folders]


def _folder_of_labels(name: str) -> int | None:
    """Return which folder of a path is the last that is called as labels are."""
    folders = PurePosixPath(name).parts[:-1]
    found = [k for k, part in enumerate(folders) if part.lower().startswith(_LABELS)]
    return found[-1] if found else None


def _has_labels(source: Input, name: str) -> bool:
    lines = text_of(source.content(name)[:2000]).split("\n")
    fields = next((line.split() for line in lines if line.strip() and not _is_head(line)), [])
    named = len(fields) >= _FEWEST and numbers(fields[8:9]) is None
    return named and numbers(fields[:8]) is not None


def _is_head(line: str) -> bool:
    return line.partition(":")[0].strip().lower() in _HEAD
