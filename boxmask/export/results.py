"""A COCO results list: run lengths and a score for each mask, under the ids of the input.

The score is the IoU to expect of the mask, times the detector's confidence where there is one. A
mask that was there already has no expected IoU; it counts as sure. Crowds are left out.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from boxmask.export import Exported, Finished
from boxmask.export.files import replace_text
from boxmask.export.rows import MaskedRow, masked_rows, open_finished
from boxmask.rle import bounding_box, compress


def names(finished: Finished) -> list[str]:
    """Return nothing: the place is the one file."""
    return []


def write(finished: Finished, place: Path) -> Exported:
    """Write the list."""
    notes = Counter[str]()
    with replace_text(finished.ledger, place) as text:
        text.write(b"[")
        for count, result in enumerate(_results(finished, notes)):
            text.write((b",\n" if count else b"\n") + msgspec.json.encode(result))
        text.write(b"\n]\n")
    return Exported(1, dict(notes))


def rle(mask: MaskedRow) -> dict[str, object]:
    """Write a mask as COCO's compressed runs."""
    counts = compress(mask.runs, width=mask.width, height=mask.height)
    return {"size": [mask.height, mask.width], "counts": counts.decode("ascii")}


def _results(finished: Finished, notes: Counter[str]) -> Iterator[dict[str, object]]:
    dataset = finished.dataset
    for mask in masked_rows(finished, open_finished(finished.dataset, finished.out), notes):
        if not dataset.is_crowd[mask.row]:
            score = 1.0 if mask.iou is None else mask.iou
            if dataset.scores is not None:
                score *= float(dataset.scores[mask.row])
            yield {
                "image_id": dataset.image_ids[mask.image],
                "category_id": dataset.categories[mask.category].id,
                "bbox": list(bounding_box(mask.runs, height=mask.height)),
                "segmentation": rle(mask),
                "score": round(score, 6),
            }
