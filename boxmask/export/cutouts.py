"""Objects cut out of their images: RGBA PNGs, cropped to the mask, which is the alpha channel.

They are named as those of boxmask.export.mask_png.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from boxmask.export import Exported, Finished
from boxmask.export.files import own_names
from boxmask.export.mask_png import Pixels, names, write_each
from boxmask.export.masks import ImageMasks, Instance
from boxmask.faults import ImageFault
from boxmask.images import load_image

__all__ = ["names", "write"]


def write(finished: Finished, place: Path) -> Exported:
    """Write the cut-outs; return how many."""
    file_names = own_names(finished)
    return write_each(finished, place, lambda masks: _cutter(finished, masks, file_names))


def _cutter(
    finished: Finished, masks: ImageMasks, file_names: list[str]
) -> Callable[[Instance], Pixels] | None:
    """Open an image to cut from; None where that cannot be done."""
    name = file_names[masks.image]
    try:
        pixels = load_image(finished.images, name, width=masks.width, height=masks.height)
    except ImageFault:
        return None
    return lambda one: _cut(pixels, one)


def _cut(pixels: Pixels, one: Instance) -> Pixels:
    window = one.window.trimmed() or one.window
    w, h = window.bits.shape
    crop = pixels[window.y : window.y + h, window.x : window.x + w]
    alpha = 255 * window.bits.T[:, :, None].astype(np.uint8)
    return np.concatenate([crop, alpha], axis=2)
