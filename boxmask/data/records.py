"""The records of a JSON list as slices of its file: two numbers each, decoded when asked for."""

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from boxmask.data.document import Document, loads
from boxmask.data.source import Source
from boxmask.errors import InputError

Row = TypeVar("Row")
Loose = Callable[[dict[str, object]], Row]

_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_SPACE = re.compile(rb"\s*")
_GAP = re.compile(rb"[\s,]*")
_GAP_BYTES = np.frombuffer(b" \t\r\n,", np.uint8)
_CHUNK = 4096
_SHOWN = 60


class Records:
    """The original bytes of every record of one list; pickles as the path and the spans."""

    def __init__(
        self, source: Source, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
    ) -> None:
        self.source = source
        self.starts = starts
        self.lengths = lengths

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> bytes:
        start = int(self.starts[index])
        return bytes(self.source.data[start : start + int(self.lengths[index])])


def cut(document: Document, key: str) -> Records:
    """Cut the list under a top-level key into its records."""
    return span(document, document.offset(document.members[key]), raw_list(document, key))


def cut_items(document: Document) -> Records:
    """Cut a top-level list into its records."""
    before = _SPACE.match(document.text)
    return span(document, before.end() if before else 0, document.items or [])


def raw_list(document: Document, key: str) -> list[msgspec.Raw]:
    """Return the items of the list under a top-level key."""
    raw = document.members[key]
    try:
        return _RAWS.decode(raw)
    except msgspec.ValidationError:
        shown = bytes(memoryview(raw)[:_SHOWN]).decode("utf-8", "replace")
        raise InputError(
            f'{document.path}: "{key}" is not a list of records; found {shown!r}.'
        ) from None


def span(document: Document, start: int, raws: list[msgspec.Raw]) -> Records:
    """Find the records of a list that begins at `start` in the document."""
    lengths = np.fromiter(map(len, raws), np.int64, len(raws))
    starts = _even_starts(document.text, start, lengths)
    if starts is None:
        starts = np.array(walk(document.text, start, raws)[0], np.int64)
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


def walk(text: memoryview, start: int, raws: list[msgspec.Raw]) -> tuple[list[int], list[int]]:
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


def decode(
    document: Document, records: Records, what: str, rows: type[Row], loose: Loose[Row]
) -> Iterator[tuple[int, list[Row]]]:
    """Decode the records chunk by chunk: (index of the first, rows).

    A record whose fields are not of the expected types goes through `loose`, as a plain dict.
    """
    chunk_decoder = msgspec.json.Decoder(list[rows])  # type: ignore[valid-type]
    decoder = msgspec.json.Decoder(rows)
    for first in range(0, len(records), _CHUNK):
        last = min(first + _CHUNK, len(records)) - 1
        text = document.text[records.starts[first] : records.starts[last] + records.lengths[last]]
        try:
            yield first, chunk_decoder.decode(b"".join((b"[", text, b"]")))
        except (msgspec.DecodeError, UnicodeDecodeError):
            span = range(first, last + 1)
            yield first, [_one(document, records, what, i, decoder, loose) for i in span]


def _one(
    document: Document,
    records: Records,
    what: str,
    index: int,
    decoder: msgspec.json.Decoder[Row],
    loose: Loose[Row],
) -> Row:
    start = records.starts[index]
    try:
        return decoder.decode(document.text[start : start + records.lengths[index]])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return loose(as_object(records[index], f"{document.path}: {what}[{index}]"))


def as_object(record: bytes, where: str) -> dict[str, object]:
    """Decode one record that must be an object, as Python's json does."""
    try:
        value = loads(record)
    except ValueError as error:
        raise InputError(f"{where} cannot be decoded: {error}.") from error
    if not isinstance(value, dict):
        shown = record[:_SHOWN].decode("utf-8", "replace")
        raise InputError(f"{where} is not an object; found {shown!r}.")
    return value
