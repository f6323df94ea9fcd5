"""The finished output in the forms that other programs read: one row for each in EXPORTS.

A further export is a module with the two functions of Exporter, and one row here, from which the
command line and the Python functions take its option. Nothing heavy is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from boxmask.dataset import BoxDataset
    from boxmask.ours import Ledger
    from boxmask.remote import Folder


T = TypeVar("T")
ShapeKind = Literal["polygons", "masks"]
Shapes = Literal["auto", "polygons", "masks"]


@dataclass(frozen=True, kw_only=True)
class Export:
    """What is known of an export before it is written."""

    module: str
    """The module that writes it, imported when it is needed: an Exporter."""
    title: str
    """What people read while it is written."""
    help: str
    """What the command line says of its option."""
    is_folder: bool = True
    """Whether its place is a folder; else it is a file."""
    format: str = ""
    """The format, of boxmask.formats.FORMATS, that the boxes must have come in; "" for any."""
    options: tuple[str, ...] = ()
    """The options that it depends on: fields of ExportOptions, or of the job."""


def flag(name: str) -> str:
    """Spell the name of an export, or of a field, as the command line does."""
    return "--" + name.replace("_", "-")


def _option(default: T, help: str) -> T:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Options of exports; the help of each is what the command line says of it."""

    yolo_val: float = _option(0.0, "YOLO: share of the images for validation.")
    yolo_seed: int = _option(0, "YOLO: another number, other images.")
    yolo_copy: bool = _option(False, "YOLO: copy the images, no links.")
    min_quality: float = _option(0.0, "Training copy: leave out masks of lower IoU.")
    doubtful_as_crowd: bool = _option(False, "Training copy: mark them as crowds instead.")
    shapes: Shapes = _option(  # noqa: RUF009 (a field)
        "auto", "Back to editors: masks, polygons or auto."
    )
    control: str = _option("", "Label Studio: name of the control of the masks.")


class Finished(NamedTuple):
    """What an export is made from."""

    dataset: BoxDataset
    out: Path
    """The finished output of that dataset."""
    images: Folder
    """The folder in which the file names begin."""
    options: ExportOptions
    ledger: Ledger
    """What exports have written, by which a file is known as ours."""
    tolerance: float | None = None
    """How far off polygons for people to edit may be, in pixels."""
    max_vertices: int | None = None


class Exported(NamedTuple):
    """What an export holds, and what it could not hold."""

    files: int
    notes: dict[str, float]
    """Counts and means for people; none of them is written if it is 0."""


class Exporter(Protocol):
    """What the module of an export has."""

    def names(self, finished: Finished) -> list[str]:
        """Return each file that may be written, relative to the export's place if it is a folder.

        The finished output need not be there yet. InputError where two would be the same.
        """

    def write(self, finished: Finished, place: Path) -> Exported:
        """Write it; each file appears under its name when it is whole, and by the ledger."""


_OUTLINED = ("shapes", "tolerance", "max_vertices")

# By the name of the option.
EXPORTS = {
    "index_png": Export(
        module="boxmask.export.index_png",
        title="writing index PNGs",
        help="Index PNGs, as iWildCam has them.",
    ),
    "yolo": Export(
        module="boxmask.export.yolo",
        title="writing a YOLO dataset",
        help="A YOLO segmentation dataset, with links to the images.",
        options=("yolo_val", "yolo_seed", "yolo_copy"),
    ),
    "mask_png": Export(
        module="boxmask.export.mask_png",
        title="writing one PNG a mask",
        help="One PNG a mask.",
    ),
    "cutouts": Export(
        module="boxmask.export.cutouts",
        title="writing cut-outs",
        help="Each object, cut out of its image, as an RGBA PNG.",
    ),
    "training_copy": Export(
        module="boxmask.export.training_copy",
        title="writing COCO for training",
        help="COCO of the masks alone, to train on.",
        is_folder=False,
        options=("min_quality", "doubtful_as_crowd"),
    ),
    "results": Export(
        module="boxmask.export.results",
        title="writing COCO results",
        help="A COCO results list, with scores.",
        is_folder=False,
    ),
    "labelme": Export(
        module="boxmask.export.back.labelme",
        title="writing LabelMe files",
        help="The LabelMe files, masks in place of their boxes.",
        format="labelme",
        options=_OUTLINED,
    ),
    "cvat": Export(
        module="boxmask.export.back.cvat",
        title="writing CVAT's XML",
        help="The CVAT XML, masks in place of their boxes.",
        is_folder=False,
        format="cvat",
        options=_OUTLINED,
    ),
    "label_studio": Export(
        module="boxmask.export.back.label_studio",
        title="writing Label Studio tasks",
        help="The Label Studio tasks, with a prediction each.",
        is_folder=False,
        format="label-studio",
        options=(*_OUTLINED, "control"),
    ),
    "megadetector": Export(
        module="boxmask.export.back.megadetector",
        title="writing MegaDetector results",
        help="The MegaDetector results, with segmentations.",
        is_folder=False,
        format="megadetector",
    ),
}


def exporter(name: str) -> Exporter:
    """Import what writes an export."""
    return cast(Exporter, import_module(EXPORTS[name].module))
