"""Under `strict`, what is otherwise counted is an error that names the first such record."""

import numpy as np

from boxmask.data.ids import duplicates
from boxmask.data.sources.origin import origin_of
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.faults import reason_of

_PREVIEW_LENGTH = 200


def raise_first_fault(dataset: BoxDataset) -> None:
    """Raise InputError for the first unusable record, or the first repeated annotation id."""
    faulty = np.flatnonzero(dataset.faults)
    if len(faulty):
        row = int(faulty[0])
        reason = reason_of(dataset.faults[row])
        raise InputError(
            f"{name_record(dataset, row)}: {reason}; {_shown(dataset, row)}. "
            "Mend it, or read without strict to keep the record and leave its mask out. "
            f"Unusable records in all: {len(faulty)}."
        )
    for before, row in duplicates(dataset.annotation_ids):
        raise InputError(
            f"{name_record(dataset, row)}: record {before + 1} has the same id. Give each record "
            "an id of its own, or read without strict."
        )


def name_record(dataset: BoxDataset, row: int) -> str:
    """Name a record for an error: its file and line or element, or its position and id."""
    origin = origin_of(dataset.records[row]) if len(dataset.records) else None
    if origin is not None:
        return f"{dataset.path}: {origin.place}"
    return f"{dataset.path}: record {row + 1} (id {dataset.annotation_ids[row]!r})"


def _shown(dataset: BoxDataset, row: int) -> str:
    if not len(dataset.records):
        return f"found {dataset.boxes[row].tolist()}"
    record = dataset.records[row]
    origin = origin_of(record)
    text = (record if origin is None else origin.text).decode("utf-8", "replace")
    return f"found {text if len(text) <= _PREVIEW_LENGTH else text[:_PREVIEW_LENGTH] + '...'}"
