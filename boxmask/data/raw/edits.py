"""Changes to the bytes of a file: all that is not edited stays as it is."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from boxmask.data.raw.document import Document
from boxmask.data.raw.records import slice_list


class Edit(NamedTuple):
    """Bytes [start, stop) of a file that give way to others."""

    start: int
    stop: int
    text: bytes


def appended(document: Document, key: str, items: Sequence[bytes]) -> Iterator[Edit]:
    """Append items to a list at the top level of a file; a list that is not there is added."""
    if not items:
        return
    text = b",\n".join(items)
    if key not in document.members:
        start = bytes(document.text).index(b"{") + 1
        yield Edit(start, start, msgspec.json.encode(key) + b": [" + text + b"],\n")
        return
    records = slice_list(document, key)
    if len(records):
        end = int(records.starts[-1] + records.lengths[-1])
        yield Edit(end, end, b",\n" + text)
    else:
        start = document.offset(document.members[key]) + 1
        yield Edit(start, start, text)


def edited(document: Document, edits: Sequence[Edit]) -> Iterator[bytes]:
    """Yield the bytes of a file with what has changed in them; edits come in their order."""
    data, place = document.source.data, 0
    yield document.source.mark
    for edit in edits:
        yield bytes(data[place : edit.start])
        yield edit.text
        place = edit.stop
    yield bytes(data[place:])
