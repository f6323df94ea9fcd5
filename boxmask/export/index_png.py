"""Index PNGs as iWildCam ships them: the value of a pixel is the place of its detection.

A detection's place is 1-based, in the order of the detections of its image; 0 is background. Where
detections overlap, the one with the higher confidence is on top.
"""

from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from boxmask.dataset import BoxDataset
from boxmask.export import Exported, Finished
from boxmask.export.files import names_for, own_names, png_bytes, remove_stale, write_whole
from boxmask.export.masks import ImageMasks, Instance, masks_by_image


def names(finished: Finished) -> list[str]:
    """Return the names of the PNGs; InputError where two would be the same."""
    return [name for name in _png_names(finished) if name is not None]


def write(finished: Finished, place: Path) -> Exported:
    """Write one PNG for each image that has detections, named after it; return how many.

    The folders of the images are left out, as in iWildCam, unless two images have the same name in
    different folders. A PNG has 8 bits, or 16 if a place is over 255. There is none for an image
    whose size is not known because it could not be opened, nor for one that was not to be
    annotated; one of that name from an earlier run is removed.
    """
    dataset, of_image = finished.dataset, _png_names(finished)
    written, notes = set(), Counter[str]()
    for masks in masks_by_image(dataset, finished.out):
        name = of_image[masks.image]
        if name is not None and masks.left and not masks.instances:
            notes["images left out, not annotated"] += 1
        elif name is not None:
            pixels = paint(masks, _confidence(dataset, masks.instances))
            write_whole(finished.ledger, place / name, png_bytes(Image.fromarray(pixels)))
            written.add(name)
            notes += _covered(masks, pixels)
            notes["boxes not annotated, background"] += masks.left
    remove_stale(finished.ledger, place, of_image, written)
    return Exported(len(written), dict(notes))


def _png_names(finished: Finished) -> list[str | None]:
    return names_for(own_names(finished), ".png", flat=True)


def paint(masks: ImageMasks, confidence: list[float]) -> npt.NDArray[np.unsignedinteger]:
    """Paint the masks of one image in the order of their confidence, (H, W).

    Of two with the same confidence the first stays on top: detectors list the surer one first.
    """
    places = [instance.place for instance in masks.instances]
    dtype = np.uint16 if max(places, default=0) > 255 else np.uint8
    pixels = np.zeros((masks.height, masks.width), dtype)
    order = sorted(range(len(places)), key=lambda k: (confidence[k], -places[k]))
    for _, place, window in (masks.instances[k] for k in order):
        w, h = window.bits.shape
        view = pixels[window.y : window.y + h, window.x : window.x + w]
        view[window.bits.T] = place
    return pixels


def _covered(masks: ImageMasks, pixels: npt.NDArray[np.unsignedinteger]) -> Counter[str]:
    """Count the masks that others hide."""
    visible, notes = np.bincount(pixels.ravel()), Counter[str]()
    for _, place, window in masks.instances:
        seen = int(visible[place]) if place < len(visible) else 0
        notes["masks partly under others"] += 0 < seen < int(window.bits.sum())
        notes["masks wholly under others"] += not seen
    return notes


def _confidence(dataset: BoxDataset, instances: list[Instance]) -> list[float]:
    if dataset.scores is None:
        return [0.0] * len(instances)
    scores = dataset.scores[[instance.row for instance in instances]]
    return [float(score) for score in np.nan_to_num(scores, nan=-1.0)]
