"""What to draw, and what was drawn."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from boxmask.formats import BoxForm
from boxmask.remote import Folder

Labels = Literal["iou", "class", "both", "none"]


@dataclass(frozen=True)
class Show:
    """What to draw, and where."""

    file: Path
    images: Folder
    out: Path | None = None  # a picture, or a folder of pictures; None: FILE.jpg beside the file
    only: tuple[str, ...] = ()  # image ids, file names or patterns of file names
    ids: tuple[str, ...] = ()  # annotations to show by themselves
    worst: int | None = None  # show so many of the lowest expected IoU by themselves
    limit: int | None = None
    boxes: bool = True
    labels: Labels = "iou"
    captions: bool = True
    height: int | None = None  # of each picture; None: 260 on a sheet, as stored in a folder
    bbox: BoxForm = "auto"  # what the numbers of the boxes are, as in annotate
    fresh: bool = False  # replace files that were made by something else


def picture_of(file: Path) -> Path:
    """Return the picture that is made of a file where nothing is said of it: beside it."""
    return file.with_name(file.name.partition(".")[0] + ".jpg")


@dataclass
class Shown:
    """What was drawn."""

    out: Path
    pictures: int = 0
    masks: int = 0
    left: int = 0  # chosen, but over the limit
    faults: Counter[str] = field(default_factory=Counter)  # why images could not be opened
    details: list[str] = field(default_factory=list)  # of each of these images
