"""Readers: a box dataset of any known format becomes columns, its original bytes at hand."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from boxmask.data import coco, megadetector, visual_genome
from boxmask.data.boxes import pixel_boxes
from boxmask.data.document import Document, open_document
from boxmask.data.options import ReadOptions
from boxmask.data.segmentation import segmentation
from boxmask.data.strict import require_sound
from boxmask.data.unrecognised import describe
from boxmask.dataset import BoxDataset
from boxmask.errors import ConfigError, InputError

__all__ = [
    "READERS",
    "ReadOptions",
    "Reader",
    "format_of",
    "pixel_boxes",
    "read",
    "segmentation",
]


@dataclass(frozen=True)
class Reader:
    """One format: how to tell it from the file's content, and how to read it."""

    recognises: Callable[[Document], bool]
    read: Callable[[Document, ReadOptions], BoxDataset]


READERS: dict[str, Reader] = {
    "coco": Reader(coco.recognises, coco.read),
    "megadetector": Reader(megadetector.recognises, megadetector.read),
    "visual-genome": Reader(visual_genome.recognises, visual_genome.read),
}


def read(path: Path, options: ReadOptions | None = None) -> BoxDataset:
    """Read a box dataset; its format is recognised from the content unless the options name it."""
    options = options or ReadOptions()
    named = _named(options)
    document = open_document(path)
    dataset = READERS[named or _recognised(document)].read(document, options)
    if options.strict:
        require_sound(dataset)
    return dataset


def format_of(path: Path, options: ReadOptions | None = None) -> str:
    """Return the format that `read` reads a file as, a key of READERS."""
    return _named(options or ReadOptions()) or _recognised(open_document(path))


def _named(options: ReadOptions) -> str | None:
    if options.format is not None and options.format not in READERS:
        raise ConfigError(
            f"unknown format {options.format!r}; known formats: {', '.join(sorted(READERS))}."
        )
    return options.format


def _recognised(document: Document) -> str:
    for name, reader in READERS.items():
        if reader.recognises(document):
            return name
    raise InputError(describe(document))
