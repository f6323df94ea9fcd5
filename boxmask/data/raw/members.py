"""A record's own keys, each with the bytes of its value exactly as the file has them."""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from boxmask.data.raw.document import address
from boxmask.data.raw.keys import first_repeated
from boxmask.data.raw.repair import strict_copy
from boxmask.dataset import RawRecords
from boxmask.errors import InputError
from boxmask.unreadable import UNREADABLE

Members = dict[str, msgspec.Raw]

_DECODER = msgspec.json.Decoder(Members)
_PREVIEW_LENGTH = 80


def split_members(record: bytes) -> Members:
    """Split one object into key -> raw value. Of a repeated key the last value counts."""
    try:
        return _DECODER.decode(record)
    except UNREADABLE:
        copy = bytes(strict_copy(record))
    try:
        found = _DECODER.decode(copy)
    except UNREADABLE as error:
        shown = record[:_PREVIEW_LENGTH].decode("utf-8", "replace")
        raise InputError(f"a record cannot be split into its keys ({error}): {shown}") from error
    start = address(copy)
    places = {key: address(raw) - start for key, raw in found.items()}
    return {key: msgspec.Raw(record[at : at + len(found[key])]) for key, at in places.items()}


def repeats_a_key(record: bytes, members: Members) -> bool:
    """Tell whether a record, with the members that it was split into, has a key more than once."""
    if record.count(b":") == len(members):
        return False
    return first_repeated(memoryview(record), _spans(record)) is not None


def _spans(record: bytes) -> list[tuple[int, int]]:
    text = record
    try:
        found = _DECODER.decode(text)
    except UNREADABLE:
        text = bytes(strict_copy(record))
        found = _DECODER.decode(text)
    start = address(text)
    return [(address(raw) - start, len(raw)) for raw in found.values()]


class JoinedRecords:
    """Records of several lists about the same things, joined into one object each."""

    def __init__(self, *parts: tuple[RawRecords, Sequence[int] | npt.NDArray[np.int32]]) -> None:
        self.parts = parts  # (records, index of each thing's record or -1)

    def __len__(self) -> int:
        return len(self.parts[0][1])

    def __getitem__(self, index: int) -> bytes:
        joined: Members = {}
        for records, places in self.parts:
            if places[index] >= 0:
                joined |= split_members(records[int(places[index])])
        return msgspec.json.encode(joined)
