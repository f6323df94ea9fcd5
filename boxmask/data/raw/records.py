"""The records of a JSON list as slices of its file: two numbers each, decoded when asked for."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from boxmask.data.raw.document import Document, MappedFile, decode_lenient
from boxmask.errors import InputError
from boxmask.unreadable import UNREADABLE

Row = TypeVar("Row")
Lenient = Callable[[dict[str, object]], Row]

_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_SPACE = re.compile(rb"\s*")
_GAP = re.compile(rb"[\s,]*")
_GAP_BYTES = np.frombuffer(b" \t\r\n,", np.uint8)
_CHUNK = 4096
_PREVIEW_LENGTH = 60


class Records:
    """The original bytes of every record of one list; pickles as the path and the spans."""

    def __init__(
        self, source: MappedFile, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
    ) -> None:
        self.source = source
        self.starts = starts
        self.lengths = lengths

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> bytes:
        start = int(self.starts[index])
        return bytes(self.source.data[start : start + int(self.lengths[index])])


class RawMembers(Mapping[str, bytes]):
    """The top-level members of a file, each as the bytes of the file; pickles as Records do."""

    def __init__(self, document: Document) -> None:
        raws = document.members.values()
        starts = np.array([document.offset(raw) for raw in raws], np.int64)
        lengths = np.array([len(raw) for raw in raws], np.int64)
        self._records = Records(document.source, starts, lengths)
        self._places = {key: place for place, key in enumerate(document.members)}

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __getitem__(self, key: str) -> bytes:
        return self._records[self._places[key]]


def slice_list(document: Document, key: str) -> Records:
    """Cut the list under a top-level key into its records."""
    return locate_records(document, document.offset(document.members[key]), raw_list(document, key))


def slice_items(document: Document) -> Records:
    """Cut a top-level list into its records."""
    before = _SPACE.match(document.text)
    return locate_records(document, before.end() if before else 0, document.items or [])


def raw_list(document: Document, key: str) -> list[msgspec.Raw]:
    """Return the items of the list under a top-level key."""
    raw = document.members[key]
    try:
        return _RAWS.decode(raw)
    except UNREADABLE:
        shown = bytes(memoryview(raw)[:_PREVIEW_LENGTH]).decode("utf-8", "replace")
        raise InputError(
            f'{document.path}: "{key}" is not a list of records; found {shown!r}.'
        ) from None


def locate_records(document: Document, start: int, raws: list[msgspec.Raw]) -> Records:
    """Find the records of a list that begins at `start` in the document."""
    lengths = np.fromiter(map(len, raws), np.int64, len(raws))
    starts = _even_starts(document.text, start, lengths)
    if starts is None:
        starts = np.array(item_offsets(document.text, start, raws)[0], np.int64)
    return Records(document.source, starts, lengths)


def _even_starts(
    text: memoryview, start: int, lengths: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64] | None:
    """Return the offsets if the same bytes stand between all items, as most writers do it."""
    if len(lengths) < 2:
        return None
    here = _SPACE.match(text, start + 1)
    between = _GAP.match(text, here.end() + int(lengths[0])) if here else None
    if here is None or between is None:
        return None
    steps = lengths[:-1] + len(between[0])
    starts = here.end() + np.concatenate([[0], np.cumsum(steps)])
    if starts[-1] >= len(text):
        return None
    # By induction: an end is right, the bytes after it are a gap, so the next start is right.
    text_bytes = np.frombuffer(text, np.uint8)
    ends = starts[1:] - len(between[0])
    even = all((text_bytes[ends + place] == byte).all() for place, byte in enumerate(between[0]))
    return starts if even and not np.isin(text_bytes[starts], _GAP_BYTES).any() else None


def item_offsets(
    text: memoryview, start: int, raws: list[msgspec.Raw]
) -> tuple[list[int], list[int]]:
    """Return the offset and the length of each item of the list that begins at `start`."""
    lengths = [len(raw) for raw in raws]
    starts = []
    position = start + 1
    gap = _GAP.match
    for length in lengths:
        found = gap(text, position)
        position = found.end() if found else position
        starts.append(position)
        position += length
    return starts, lengths


def decode_records(
    document: Document, records: Records, what: str, row_type: type[Row], lenient: Lenient[Row]
) -> Iterator[tuple[int, list[Row]]]:
    """Decode the records chunk by chunk: (index of the first, rows).

    A record whose fields are not of the expected types goes through `lenient`, as a plain dict.
    """
    chunk_decoder = msgspec.json.Decoder(list[row_type])  # type: ignore[valid-type]
    decoder = msgspec.json.Decoder(row_type)
    for first in range(0, len(records), _CHUNK):
        last = min(first + _CHUNK, len(records)) - 1
        text = document.text[records.starts[first] : records.starts[last] + records.lengths[last]]
        try:
            yield first, chunk_decoder.decode(b"".join((b"[", text, b"]")))
        except UNREADABLE:
            chunk = range(first, last + 1)
            yield first, [_decode_one(document, records, what, i, decoder, lenient) for i in chunk]


def _decode_one(
    document: Document,
    records: Records,
    what: str,
    index: int,
    decoder: msgspec.json.Decoder[Row],
    lenient: Lenient[Row],
) -> Row:
    start = records.starts[index]
    try:
        return decoder.decode(document.text[start : start + records.lengths[index]])
    except UNREADABLE:
        return lenient(as_object(records[index], f"{document.path}: {what}[{index}]"))


def as_object(record: bytes, where: str) -> dict[str, object]:
    """Decode one record that must be an object, as Python's json does."""
    try:
        value = decode_lenient(record)
    except ValueError as error:
        raise InputError(f"{where} cannot be decoded: {error}.") from error
    if not isinstance(value, dict):
        shown = record[:_PREVIEW_LENGTH].decode("utf-8", "replace")
        raise InputError(f"{where} is not an object; found {shown!r}.")
    return value
