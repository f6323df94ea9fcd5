"""MegaDetector's results with masks: each detection has `segmentation`, run lengths as in COCO.

`predicted_iou` beside it is the IoU to expect of the mask.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from boxmask.data.raw.members import split_members
from boxmask.data.raw.records import Records
from boxmask.errors import RunError
from boxmask.export import Exported, Finished
from boxmask.export.back import Edit, NewMasks, spliced
from boxmask.export.files import replace_text


def names(finished: Finished) -> list[str]:
    """Return nothing: the place is the one file."""
    return []


def write(finished: Finished, place: Path) -> Exported:
    """Write the file."""
    records, masks = finished.dataset.records, NewMasks(finished)
    if not isinstance(records, Records):
        raise RunError(f"{finished.dataset.path}: its detections are not those of one file.")
    with replace_text(finished.ledger, place) as text:
        for piece in spliced(records.source.data, _edits(records, masks)):
            text.write(piece)
    return Exported(1, masks.notes())


def _edits(records: Records, masks: NewMasks) -> Iterator[Edit]:
    for row in range(len(records)):
        mask = masks.of_row(row)
        if mask is not None:
            members = split_members(records[row])
            added = {"segmentation": mask.rle(), "predicted_iou": mask.iou}
            start = int(records.starts[row])
            end = start + int(records.lengths[row])
            yield Edit(start, end, msgspec.json.encode(members | added))
