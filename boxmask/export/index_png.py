"""Index PNGs as iWildCam ships them: the value of a pixel is the place of its detection.

A detection's place is 1-based, in the order of the detections of its image; 0 is background. Where
detections overlap, the one with the higher confidence is on top.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from boxmask.dataset import BoxDataset
from boxmask.export.files import names_for, remove_stale, write_whole
from boxmask.export.masks import ImageMasks, Instance, masks_by_image


def write_index_pngs(dataset: BoxDataset, out: Path, folder: Path) -> int:
    """Write one PNG for each image that has detections, named after it; return how many.

    `out` is the finished output. The folders of the images are left out, as in iWildCam, unless
    two images have the same name in different folders. A PNG has 8 bits, or 16 if a place is over
    255. There is none for an image whose size is not known because it could not be opened; one of
    that name from an earlier run is removed.
    """
    names = index_png_names(dataset)
    written = set()
    for masks in masks_by_image(dataset, out):
        name = names[masks.image]
        if name is not None:
            write_whole(folder / name, index_png(masks, _confidence(dataset, masks.instances)))
            written.add(name)
    remove_stale(folder, names, written)
    return len(written)


def index_png_names(dataset: BoxDataset) -> list[str | None]:
    """Return the name of each image's PNG; InputError where two would be the same."""
    return names_for(dataset.file_names, ".png", flat=True)


def index_png(masks: ImageMasks, confidence: list[float]) -> bytes:
    """Paint the masks of one image in the order of their confidence, and encode the PNG.

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
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


def _confidence(dataset: BoxDataset, instances: list[Instance]) -> list[float]:
    if dataset.scores is None:
        return [0.0] * len(instances)
    scores = dataset.scores[[instance.row for instance in instances]]
    return [float(score) for score in np.nan_to_num(scores, nan=-1.0)]
