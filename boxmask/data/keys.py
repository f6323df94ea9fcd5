"""Keys that cannot be written again: halves of characters, bytes that are no UTF-8.

Python's json reads such keys. No record is lost, so they are refused, and before any work is done.
"""

import codecs

from boxmask.data.raw.document import Document
from boxmask.data.raw.members import split_members
from boxmask.dataset import BoxDataset, RawRecords
from boxmask.errors import InputError

_PIECE = 1 << 24  # bytes


def require_writable(dataset: BoxDataset, document: Document) -> None:
    """Raise InputError for the first record of a JSON file that cannot be split into its keys."""
    if not _may_hold_odd_text(document.source.data):
        return
    for what, records in (("images", dataset.image_records), ("annotations", dataset.records)):
        for place in range(len(records)):
            _require(dataset, what, records, place)


def _require(dataset: BoxDataset, what: str, records: RawRecords, place: int) -> None:
    try:
        split_members(records[place])
    except InputError as error:
        raise InputError(
            f"{dataset.path}: {what}[{place}]: {error}. Rename that key, or save the file as UTF-8."
        ) from error


def _may_hold_odd_text(data: memoryview) -> bool:
    """Tell whether a text has an escape of half a character, or is no UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for first in range(0, len(data), _PIECE):
            piece = bytes(data[max(first - 2, 0) : first + _PIECE])
            if b"\\ud" in piece or b"\\uD" in piece:
                return True
            decoder.decode(piece[min(first, 2) :])
    except UnicodeDecodeError:
        return True
    return False
