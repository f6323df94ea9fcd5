"""One PNG a mask, as large as its image: 255 inside, 0 outside.

    a.jpg -> a/1.png, a/2.png, ...

The number is the place of the box among those of its image, from 1 on.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from boxmask.export import Exported, Finished
from boxmask.export.files import names_for, own_names, png_bytes, remove_stale, write_whole
from boxmask.export.masks import ImageMasks, Instance, masks_by_image

Pixels = npt.NDArray[np.uint8]
Draw = Callable[[ImageMasks], Callable[[Instance], Pixels] | None]


def names(finished: Finished) -> list[str]:
    """Return the name of the PNG of each box."""
    counts = np.diff(finished.dataset.rows_by_image()[1]).tolist()
    folders = zip(_folders(finished), counts, strict=True)
    return [_name(name, k + 1) for name, count in folders if name is not None for k in range(count)]


def write(finished: Finished, place: Path) -> Exported:
    """Write the PNGs; return how many."""
    return write_each(finished, place, lambda masks: lambda one: _whole(masks, one))


def write_each(finished: Finished, place: Path, draw: Draw) -> Exported:
    """Write what `draw` makes of each mask; it returns None for an image that it cannot use."""
    folders, written, without = _folders(finished), set[str](), 0
    for masks in masks_by_image(finished.dataset, finished.out):
        name = folders[masks.image]
        drawn = draw(masks) if name is not None and masks.instances else None
        if name is None or drawn is None:
            without += masks.boxes
            continue
        without += masks.boxes - len(masks.instances)
        for one in masks.instances:
            file = _name(name, one.place)
            write_whole(finished.ledger, place / file, png_bytes(Image.fromarray(drawn(one))))
            written.add(file)
    remove_stale(finished.ledger, place, names(finished), written)
    return Exported(len(written), {"boxes without a file": without})


def _folders(finished: Finished) -> list[str | None]:
    return names_for(own_names(finished), "")


def _name(folder: str, place: int) -> str:
    return f"{folder}/{place}.png"


def _whole(masks: ImageMasks, one: Instance) -> Pixels:
    pixels = np.zeros((masks.height, masks.width), np.uint8)
    x, y, (w, h) = one.window.x, one.window.y, one.window.bits.shape
    pixels[y : y + h, x : x + w] = 255 * one.window.bits.T
    return pixels
