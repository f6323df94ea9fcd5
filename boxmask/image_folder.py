"""Where the images of a box file are if nobody says so: beside it, or one folder up."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from boxmask.data import Input, ReadOptions, read
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.formats import FORMATS
from boxmask.images import relative_name

_LOOKED_AT = 100  # images, of which most must be there
_USUAL = ("images", "JPEGImages", "img", "photos")


def find_image_folder(boxes: Path, options: ReadOptions) -> Path:
    """Return the first likely folder that has most of the images; InputError if none has."""
    first = read(boxes, options)
    if not first.file_names:
        return Input(boxes).folder
    tried: list[Path] = []
    for folder in _likely(boxes):
        if any(folder.samefile(other) for other in tried):
            continue
        tried.append(folder)
        if _has_most(folder, _as_read(boxes, options, folder, first)):
            return folder
    names, places = ", ".join(first.file_names[:3]), ", ".join(map(str, tried))
    raise InputError(
        f"{boxes}: its images, {names} ..., are not in {places}; give the folder in which their "
        "names begin as --images."
    )


def _likely(boxes: Path) -> Iterator[Path]:
    """Yield the folders that there are: instances_train2017.json may be about train2017."""
    here = Input(boxes).folder
    usual = (*_USUAL, boxes.stem.rpartition("_")[2])
    for folder in (here, here.absolute().parent):
        places = (folder, *(folder / name for name in usual))
        yield from (place for place in places if place.is_dir())


def _as_read(
    boxes: Path, options: ReadOptions, folder: Path, first: BoxDataset
) -> BoxDataset | None:
    """Read the boxes as those of images in a folder; None if the reader finds no image there."""
    if FORMATS[first.format].names_images:
        return first
    try:
        return read(boxes, replace(options, images=folder))
    except InputError:
        return None


def _has_most(folder: Path, dataset: BoxDataset | None) -> bool:
    names = [] if dataset is None else list(islice(dataset.file_names, _LOOKED_AT))
    inside = [name for name in map(relative_name, names) if name is not None]
    return 2 * sum((folder / name).is_file() for name in inside) > len(names)
