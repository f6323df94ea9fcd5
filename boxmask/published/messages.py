"""Protocol buffers, as far as checkpoints need them: messages taken apart into fields."""

from collections import defaultdict

Fields = dict[int, list[int | bytes]]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class BrokenMessageError(ValueError):
    """Bytes that are no protocol buffer."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a whole number of variable length at a place; return it and the place after it."""
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise BrokenMessageError("a number without an end")


def fields(data: bytes) -> Fields:
    """Take a message apart: the values of each field by its number, in their order."""
    found: Fields = defaultdict(list)
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = varint(data, at)
            found[number].append(value)
            continue
        if kind == _BYTES:
            length, at = varint(data, at)
        elif kind in (_FIXED32, _FIXED64):
            length = 4 if kind == _FIXED32 else 8
        else:
            raise BrokenMessageError(f"a field of kind {kind}")
        part = data[at : at + length]
        if len(part) < length:
            raise BrokenMessageError("a field that is cut short")
        found[number].append(part if kind == _BYTES else int.from_bytes(part, "little"))
        at += length
    return found


def number(message: Fields, field: int) -> int:
    """Return a field that is a number, 0 if it is absent."""
    value = message.get(field, [0])[-1]
    if not isinstance(value, int):
        raise BrokenMessageError(f"field {field} is no number")
    return value


def parts(message: Fields, field: int) -> list[bytes]:
    """Return all values of a field that holds bytes or messages."""
    return [value for value in message.get(field, []) if isinstance(value, bytes)]


def text(message: Fields, field: int) -> str:
    """Return a field that is text, "" if it is absent."""
    found = parts(message, field)
    return found[-1].decode() if found else ""
