"""Masks drawn over their images: a contact sheet, or one picture an image."""

import os
from collections.abc import Iterator, Set
from pathlib import Path
from typing import NamedTuple

from boxmask.data import ReadOptions, read
from boxmask.dataset import BoxDataset
from boxmask.errors import ConfigError, InputError
from boxmask.faults import ImageFault
from boxmask.overlay import Pixels, sheet
from boxmask.show.choose import Tile, tiles
from boxmask.show.draw import draw, load
from boxmask.show.files import SUFFIXES, check_free, check_not_read, picture_name, write
from boxmask.show.job import Show, Shown, picture_of

SHEET = 24  # tiles on a contact sheet, where no limit is given
TILE = 260  # height of a tile, pixels
_WIDTH = 1060  # of a sheet


class _Drawn(NamedTuple):
    name: str  # of the picture in a folder
    pixels: Pixels
    masks: int


def show(job: Show) -> Shown:
    """Draw what the job asks for and write it."""
    out = job.out or picture_of(job.file)
    is_sheet = out.suffix.lower() in SUFFIXES and not out.is_dir()
    if out.suffix and not is_sheet and not out.is_dir():
        raise ConfigError(f"{out}: write a picture as .jpg or .png, or name a folder.")
    local = job.images if isinstance(job.images, Path) else None
    if local is not None and not local.is_dir():
        raise InputError(
            f"{job.images}: no such folder; give the one that the file names begin in."
        )
    if is_sheet:
        check_free(out, job.fresh)
    dataset = read(job.file, ReadOptions(images=local, bbox=job.bbox))
    chosen = tiles(job, dataset)
    read_from = {os.path.realpath(job.file)}
    if local is not None:
        read_from |= {os.path.realpath(local / dataset.file_names[tile.image]) for tile in chosen}
    limit = job.limit or (SHEET if is_sheet else len(chosen))
    shown = Shown(out, left=max(len(chosen) - limit, 0))
    drawn = _draw_all(job, dataset, chosen[:limit], shown, job.height or (TILE if is_sheet else 0))
    if is_sheet:
        check_not_read(out, read_from)
        _write_sheet(drawn, shown)
    else:
        _write_folder(drawn, shown, read_from, fresh=job.fresh)
    if not shown.pictures:
        raise InputError(f"{dataset.path}: {_why_nothing(shown)}")
    return shown


def _write_sheet(drawn: Iterator[_Drawn], shown: Shown) -> None:
    pictures = [picture.pixels for picture in drawn]
    if pictures:
        write(shown.out, sheet(pictures, width=_WIDTH))


def _write_folder(
    drawn: Iterator[_Drawn], shown: Shown, read_from: Set[str], *, fresh: bool
) -> None:
    for picture in drawn:
        path = shown.out / picture.name
        check_not_read(path, read_from)
        check_free(path, fresh)
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, picture.pixels)


def _why_nothing(shown: Shown) -> str:
    if shown.details:
        return f"no image could be opened; the first: {shown.details[0]}."
    return "there are no annotations to draw."


def _draw_all(
    job: Show, dataset: BoxDataset, chosen: list[Tile], shown: Shown, height: int
) -> Iterator[_Drawn]:
    for number, tile in enumerate(chosen, start=1):
        try:
            pixels = load(job.images, dataset, tile.image)
        except ImageFault as fault:
            shown.faults[fault.reason] += 1
            shown.details.append(str(fault))
            continue
        name = picture_name(dataset.file_names[tile.image], number if tile.close else None)
        picture, masks = draw(job, dataset, tile, pixels, height)
        shown.pictures += 1
        shown.masks += masks
        yield _Drawn(name, picture, masks)
