"""The finished output in the forms that other programs read: one row for each in EXPORTS."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from boxmask.dataset import BoxDataset
from boxmask.export.index_png import index_png_names, write_index_pngs
from boxmask.export.yolo import write_yolo, yolo_names

__all__ = ["EXPORTS", "Export", "index_png_names", "write_index_pngs", "write_yolo", "yolo_names"]


class Export(NamedTuple):
    """A form of other programs."""

    title: str
    """What people read while it is written."""
    names: Callable[[BoxDataset], list[str | None]]
    """The name of the file of each image in the folder of the export, None where there is none."""
    write: Callable[[BoxDataset, Path, Path], int]
    """Writes the export of a dataset and its finished output into a folder; returns how many."""


# By the field of AnnotateJob that says the folder.
EXPORTS = {
    "index_png": Export("writing index PNGs", index_png_names, write_index_pngs),
    "yolo": Export("writing YOLO text", yolo_names, write_yolo),
}
