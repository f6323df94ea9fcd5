"""One picture: a whole image with its masks, or a close-up of one of them.

Letters: N boxes, H W the image. A box is (x0, y0, x1, y1), pixels in the COCO convention.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image

from boxmask.data import pixel_boxes, pixel_corners, segmentation
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.images import load_image
from boxmask.overlay import Pixels, captioned, overlay, scaled
from boxmask.remote import Folder
from boxmask.rle import segmentation_runs, tight_window
from boxmask.show.choose import Tile, expected_iou
from boxmask.show.job import Labels, Show
from boxmask.window import Window

_CONTEXT = 0.35  # how much a close-up shows around its box, in sides of the box
_LARGEST = 65_000  # pixels a side that JPEG can hold


def load(folder: Folder, dataset: BoxDataset, image: int) -> Pixels:
    """Decode an image of the dataset; raise ImageFault where that cannot be done."""
    return load_image(
        folder,
        dataset.file_names[image],
        width=int(dataset.widths[image]),
        height=int(dataset.heights[image]),
        rotated_if_unsized=dataset.rotated_if_unsized,
    )


def draw(
    job: Show, dataset: BoxDataset, tile: Tile, pixels: Pixels, height: int
) -> tuple[Pixels, int]:
    """Draw some rows over their image (H, W, 3); return the picture and how many masks it shows."""
    every, (high, wide) = np.array(tile.rows, np.int64), pixels.shape[:2]
    boxes = pixel_boxes(dataset, every, wide, high)
    corners = pixel_corners(dataset, every, wide, high)
    masks = [_mask(dataset, row, pixels) for row in tile.rows]
    order = _largest_first(boxes)
    rows, boxes, masks = [tile.rows[k] for k in order], boxes[order], [masks[k] for k in order]
    x0, y0, x1, y1 = (0, 0, *pixels.shape[1::-1])
    if tile.close:
        x0, y0, x1, y1 = _surroundings(boxes[0], masks[0], pixels)
    scale = height / (y1 - y0) if height else 1.0
    scale = min(scale, _LARGEST / max(x1 - x0, y1 - y0))
    size = max(round((x1 - x0) * scale), 1), max(round((y1 - y0) * scale), 1)
    canvas = Image.fromarray(pixels[y0:y1, x0:x1]).resize(size, Image.Resampling.LANCZOS)
    windows = [
        None if mask is None else scaled(Window(mask.x - x0, mask.y - y0, mask.bits), scale)
        for mask in masks
    ]
    picture = overlay(
        np.asarray(canvas),
        windows,
        boxes=(boxes - [x0, y0, x0, y0]) * scale if job.boxes or job.labels != "none" else None,
        corners=None if corners is None else (corners[order] - [x0, y0]) * scale,
        frames=job.boxes,
        labels=[_label(dataset, row, job.labels) for row in rows],
    )
    if job.captions:
        picture = captioned(picture, _caption(dataset, tile))
    return picture, sum(mask is not None for mask in masks)


def _largest_first(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Order boxes (N, 4) so that a small one lies on top of a large one."""
    areas = np.nan_to_num(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), nan=0.0)
    return np.argsort(-areas, kind="stable")


def _mask(dataset: BoxDataset, row: int, pixels: Pixels) -> Window | None:
    """Read a row's mask; None if it has none."""
    height, width = pixels.shape[:2]
    found = segmentation(dataset, row, (width, height))
    if found is None:
        return None
    try:
        counts = segmentation_runs(found, width=width, height=height)
    except InputError as error:
        id = dataset.annotation_ids[row]
        raise InputError(f"{dataset.path}: annotations[{row}] (id {id!r}): {error}") from error
    return tight_window(counts, width=width, height=height)


def _surroundings(
    box: npt.NDArray[np.float64], mask: Window | None, pixels: Pixels
) -> tuple[int, int, int, int]:
    """Return the part x0, y0, x1, y1 of an image that shows a box and its mask in context."""
    height, width = pixels.shape[:2]
    if mask is not None:
        w, h = mask.bits.shape
        reach = [mask.x, mask.y, mask.x + w, mask.y + h]
        box = np.concatenate([np.fmin(box[:2], reach[:2]), np.fmax(box[2:], reach[2:])])
    if not np.isfinite(box).all():
        return 0, 0, width, height
    margin = max(_CONTEXT * float((box[2:] - box[:2]).max()), 8.0)
    low = np.clip(np.floor(box[:2] - margin), 0, [width - 1, height - 1]).astype(int)
    high = np.clip(np.ceil(box[2:] + margin), low + 1, [width, height]).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _label(dataset: BoxDataset, row: int, labels: Labels) -> str:
    place = int(dataset.category_index[row])
    name = dataset.categories[place].name if place >= 0 else ""
    expected = None if labels in ("class", "none") else expected_iou(dataset, row)
    iou = "" if expected is None else f"{expected:.2f}"
    texts = {"iou": iou or name, "class": name, "both": f"{name} {iou}".strip(), "none": ""}
    return texts[labels]


def _caption(dataset: BoxDataset, tile: Tile) -> str:
    name = dataset.file_names[tile.image]
    return f"{name} [{dataset.annotation_ids[tile.rows[0]]}]" if tile.close else name
