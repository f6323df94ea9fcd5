"""COCO for training: every annotation has a mask, every id is a whole number, every image a size.

An annotation has `score`, the IoU to expect of its mask, and `attributes` with that and the
detector's confidence: where FiftyOne, Datumaro and CVAT look. An id that had to be replaced is kept
as `{"boxmask": {"id": ...}}`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np

from boxmask.data import pixel_corners
from boxmask.data.annotated_file import AnnotatedFile
from boxmask.dataset import BoxDataset, Id
from boxmask.export import Exported, ExportOptions, Finished
from boxmask.export.files import replace_text
from boxmask.export.results import rle
from boxmask.export.rows import MaskedRow, masked_rows, open_finished
from boxmask.rle import area, bounding_box

Json = dict[str, object]


def names(finished: Finished) -> list[str]:
    """Return nothing: the place is the one file."""
    return []


def write(finished: Finished, place: Path) -> Exported:
    """Write the file, and count what is not in it."""
    dataset, output, notes = (
        finished.dataset,
        open_finished(finished.dataset, finished.out),
        Counter[str](),
    )
    images = list(_images(dataset, output))
    notes["images left out, of no known size"] = len(dataset.image_ids) - len(images)
    with replace_text(finished.ledger, place) as text:
        text.write(b'{"images": %b,\n' % msgspec.json.encode(images))
        text.write(b'"categories": %b,\n' % msgspec.json.encode(list(_categories(dataset))))
        text.write(b'"annotations": [')
        for count, annotation in enumerate(_annotations(finished, output, notes)):
            text.write((b",\n" if count else b"\n") + msgspec.json.encode(annotation))
        text.write(b"\n]}\n")
    return Exported(1, dict(notes))


def integer_ids(ids: Sequence[Id], *, least: int) -> list[int]:
    """Return the ids as they are if all are different whole numbers from `least` on.

    Else count from 1. COCO's evaluation takes an annotation of the id 0 for none.
    """
    whole = [id for id in ids if type(id) is int and id >= least]
    if len(whole) == len(ids) == len(set(whole)):
        return whole
    return list(range(1, len(ids) + 1))


def _images(dataset: BoxDataset, output: AnnotatedFile) -> Iterator[Json]:
    ids = integer_ids(dataset.image_ids, least=0)
    for image, (width, height) in enumerate(output.sizes[:-1].tolist()):
        if width and height:
            name = _text(dataset.file_names[image])
            fields: Json = {"file_name": name, "width": width, "height": height}
            yield _identified(ids[image], dataset.image_ids[image]) | fields


def _categories(dataset: BoxDataset) -> Iterator[Json]:
    old = [category.id for category in dataset.categories]
    for id, category in zip(integer_ids(old, least=0), dataset.categories, strict=True):
        yield _identified(id, category.id) | {"name": _text(category.name)}


def _annotations(finished: Finished, output: AnnotatedFile, notes: Counter[str]) -> Iterator[Json]:
    dataset, options = finished.dataset, finished.options
    ids = integer_ids(dataset.annotation_ids, least=1)
    image_ids = integer_ids(dataset.image_ids, least=0)
    category_ids = integer_ids([category.id for category in dataset.categories], least=0)
    for mask in masked_rows(finished, output, notes):
        crowd = bool(dataset.is_crowd[mask.row])
        if _is_doubtful(mask, options):
            crowd = options.doubtful_as_crowd
            notes["doubtful masks marked as crowds" if crowd else "doubtful masks left out"] += 1
            if not crowd:
                continue
        yield _identified(ids[mask.row], dataset.annotation_ids[mask.row]) | {
            "image_id": image_ids[mask.image],
            "category_id": category_ids[mask.category],
            "bbox": _bbox(dataset, mask),
            "area": area(mask.runs),
            "iscrowd": int(crowd),
            "segmentation": rle(mask) if crowd else mask.segmentation,
            **_quality(dataset, mask),
        }


def _is_doubtful(mask: MaskedRow, options: ExportOptions) -> bool:
    return mask.iou is not None and mask.iou < options.min_quality


def _quality(dataset: BoxDataset, mask: MaskedRow) -> Json:
    """Return the score and the attributes of a mask that was made."""
    if mask.iou is None:
        return {}
    attributes = {"predicted_iou": mask.iou}
    if dataset.scores is not None:
        attributes["confidence"] = round(float(dataset.scores[mask.row]), 6)
    return {"score": mask.iou, "attributes": attributes}


def _bbox(dataset: BoxDataset, mask: MaskedRow) -> object:
    """Return the box as the output has it; the tight one where that is turned or not usable."""
    corners = pixel_corners(dataset, np.array([mask.row]), mask.width, mask.height)
    if "bbox" in mask.record and not dataset.faults[mask.row] and corners is None:
        return mask.record["bbox"]
    return list(bounding_box(mask.runs, height=mask.height))


def _identified(id: int, old: Id) -> Json:
    kept = old if not isinstance(old, str) else _text(old)
    return {"id": id} if id == old else {"id": id, "boxmask": {"id": kept}}


def _text(text: str) -> str:
    """Return a text without the half pairs of surrogates that JSON may hold and UTF-8 cannot."""
    return text.encode(errors="replace").decode()
