"""Readers: a box dataset of any known format becomes columns, its original bytes at hand.

The formats are listed in boxmask.formats; the reader of each is a module that has `recognises` and
`read` (see Reader). It finds the values, and hands them to `build_dataset` as columns.
"""

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from boxmask.data.boxes import frame_boxes, pixel_boxes, pixel_corners, read_boxes
from boxmask.data.columns import build_dataset, images_alone
from boxmask.data.forms import coco_form
from boxmask.data.keys import require_writable
from boxmask.data.raw.input import Input
from boxmask.data.segmentation import segmentation
from boxmask.data.strict import raise_first_fault
from boxmask.data.unknown import likely
from boxmask.dataset import BoxDataset
from boxmask.errors import ConfigError, InputError
from boxmask.formats import FORMATS, ReadOptions

__all__ = [
    "Input",
    "ReadOptions",
    "Reader",
    "build_dataset",
    "coco_form",
    "format_of",
    "frame_boxes",
    "images_alone",
    "input_files",
    "pixel_boxes",
    "pixel_corners",
    "read",
    "read_boxes",
    "segmentation",
]


class Reader(Protocol):
    """What the module of a format has."""

    def recognises(self, source: Input) -> bool:
        """Tell from its content whether a file or a folder is of this format."""

    def read(self, source: Input, options: ReadOptions) -> BoxDataset:
        """Read it."""

    # One that reads several files also has `files(source)`, which lists them by their names.


def read(path: Path, options: ReadOptions | None = None) -> BoxDataset:
    """Read a box dataset; its format is recognised from the content unless the options name it."""
    options = options or ReadOptions()
    source = Input(path)
    dataset = _reader(_format(source, options)).read(source, options)
    if source.is_json:
        require_writable(dataset, source.document)
    if options.strict:
        raise_first_fault(dataset)
    return dataset


def format_of(path: Path, options: ReadOptions | None = None) -> str:
    """Return the format that `read` reads a file as, a name in FORMATS."""
    return _format(Input(path), options or ReadOptions())


def input_files(path: Path, options: ReadOptions | None = None) -> list[Path]:
    """List the files that `read` reads rows from."""
    source, options = Input(path), options or ReadOptions()
    if options.format is None and source.may_be_json:  # told without looking through a large file
        return [path]
    list_files = getattr(_reader(_format(source, options)), "files", None)
    return [source.folder / name for name in list_files(source)] if list_files else [path]


def _reader(format: str) -> Reader:
    return cast(Reader, import_module(FORMATS[format].reader))


def _format(source: Input, options: ReadOptions) -> str:
    if options.format is None:
        return _recognised(source)
    if options.format not in FORMATS:
        raise ConfigError(
            f"unknown format {options.format!r}; known formats: {', '.join(sorted(FORMATS))}."
        )
    return options.format


def _recognised(source: Input) -> str:
    for name in FORMATS:
        if _reader(name).recognises(source):
            return name
    known = ", ".join(f"{format.title} ({format.looks_like})" for format in FORMATS.values())
    raise InputError(
        f"{source.path}: {likely(source)} Expected one of: {known}. Name the format to "
        "read it all the same."
    )
