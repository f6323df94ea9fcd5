"""Where a row comes from, as its record in the output says it under the key "source"."""

import json
from typing import Any

import msgspec

from boxmask.unreadable import UNREADABLE

Json = dict[str, Any]


class Origin(msgspec.Struct, omit_defaults=True, frozen=True):
    """The file, the line or the element, and its original text: text as it is, JSON as JSON."""

    file: str
    line: int = 0  # from 1
    element: str = ""  # such as object[2], places from 1
    record: str | msgspec.Raw = ""

    @property
    def place(self) -> str:
        """The place in words, for messages."""
        return f"{self.file}, {f'line {self.line}' if self.line else self.element}".rstrip(", ")

    @property
    def text(self) -> bytes:
        """The original text, for messages."""
        record = self.record
        return record.encode(errors="replace") if isinstance(record, str) else bytes(record)


class _Origin(msgspec.Struct):
    file: str
    line: int = 0
    element: str = ""
    record: msgspec.Raw = msgspec.Raw(b'""')


class _Record(msgspec.Struct):
    source: _Origin


_RECORD = msgspec.json.Decoder(_Record)


def text_of(data: bytes | memoryview) -> str:
    """Return original bytes as text; those that are not UTF-8 survive as in file names."""
    return bytes(data).decode("utf-8", "surrogateescape")


def encode_record(origin: Origin, extra: Json) -> bytes:
    """Write the record of a row: its origin, and what else is known of it."""
    try:
        return msgspec.json.encode({"source": origin} | extra)
    except UnicodeEncodeError:
        source = {key: _raw(one) for key, one in msgspec.structs.asdict(origin).items() if one}
        own = {key: _raw(one) for key, one in extra.items()}
        return msgspec.json.encode({"source": source} | own)


def encode(value: object) -> bytes:
    """Write a value as JSON, also texts that are not UTF-8."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value).encode()


def origin_of(record: bytes) -> Origin | None:
    """Return the origin that a record has; None if it has none, as those of COCO have not."""
    try:
        found = _RECORD.decode(record).source
    except UNREADABLE:
        return None
    raw = bytes(found.record)
    text = json.loads(text_of(raw)) if raw.startswith(b'"') else msgspec.Raw(raw)
    return Origin(found.file, found.line, found.element, text)


def _raw(value: object) -> msgspec.Raw:
    """Return a value as JSON; what is JSON already stays as it is, whatever its bytes."""
    return value if isinstance(value, msgspec.Raw) else msgspec.Raw(encode(value))
