"""A finished output with given masks, for the tests of exports."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco_mask

from boxmask.dataset import BoxDataset, Category
from boxmask.export import ExportOptions, Finished
from boxmask.ours import Ledger

Bits = npt.NDArray[np.bool_]
WIDTH, HEIGHT = 30, 20


def finished_of(dataset: BoxDataset, out: Path, **options: Any) -> Finished:
    """What an export is made from; the images lie beside the output."""
    ledger = Ledger(out.with_name(f"{out.name}.boxmask.exports"))
    return Finished(dataset, out, out.parent, ExportOptions(**options), ledger)


def touch_images(dataset: BoxDataset, folder: Path) -> None:
    """Make the images of a dataset, as far as files can have their names."""
    for name in (name for name in dataset.file_names if ".." not in name):
        with suppress(OSError, UnicodeEncodeError, ValueError):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"an image")


def rle(bits: Bits) -> dict[str, Any]:
    runs = coco_mask.encode(np.asfortranarray(bits.astype(np.uint8)))
    return {"size": list(bits.shape), "counts": runs["counts"].decode()}


def block(x: int, y: int, width: int, height: int) -> Bits:
    bits = np.zeros((HEIGHT, WIDTH), np.bool_)
    bits[y : y + height, x : x + width] = True
    return bits


def finished(
    folder: Path,
    masks: Sequence[Bits | None],
    *,
    images: Sequence[str] = ("a.jpg",),
    image_index: Sequence[int] | None = None,
    scores: Sequence[float] | None = None,
    sizes: Sequence[tuple[int, int]] | None = None,
    crowd: Sequence[int] = (),
    category_index: Sequence[int] | None = None,
    names: Sequence[str] = ("animal", "person"),
) -> tuple[BoxDataset, Path]:
    """Write an output with these masks, and build the dataset that it belongs to."""
    count = len(masks)
    folder.mkdir(exist_ok=True)
    widths, heights = np.array(sizes or [(WIDTH, HEIGHT)] * len(images), np.int32).T
    dataset = BoxDataset(
        path=folder / "in.json",
        format="megadetector",
        image_ids=list(images),
        file_names=list(images),
        widths=widths,
        heights=heights,
        annotation_ids=list(range(1, count + 1)),
        boxes=np.zeros((count, 4)),
        relative=np.zeros(count, np.bool_),
        image_index=np.array([0] * count if image_index is None else image_index, np.int32),
        category_index=np.array(category_index or [0] * count, np.int32),
        is_crowd=np.isin(np.arange(count), crowd),
        has_mask=np.zeros(count, np.bool_),
        is_rectangle=np.zeros(count, np.bool_),
        is_rejected=np.zeros(count, np.bool_),
        faults=np.zeros(count, np.uint8),
        categories=tuple(Category(9 - i, name) for i, name in enumerate(names)),
        scores=None if scores is None else np.array(scores, np.float32),
    )
    annotations: list[dict[str, Any]] = [{"id": i + 1} for i in range(count)]
    for annotation, bits in zip(annotations, masks, strict=True):
        if bits is not None:
            annotation["segmentation"] = rle(bits)
        else:
            annotation["boxmask"] = {"status": "skipped", "reason": "image missing"}
    records = [{"id": name, "file_name": name, "width": WIDTH, "height": HEIGHT} for name in images]
    out = folder / "out.json"
    out.write_text(json.dumps({"images": records, "annotations": annotations}))
    return dataset, out
