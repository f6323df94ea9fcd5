"""TensorFlow's checkpoints, read without TensorFlow: an index of tensors, and files of their bytes.

A checkpoint is named by a prefix: `PREFIX.index`, and `PREFIX.data-00000-of-00001` or several.
Every tensor that is read is compared with its checksum.
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from boxmask.errors import WeightsError
from boxmask.published.checksum import Bytes, masked_crc
from boxmask.published.messages import BrokenMessageError, fields, number, parts, varint
from boxmask.published.objects import GRAPH_KEY, Objects, read_objects
from boxmask.published.table import entries

Array = npt.NDArray[np.generic]

# Numbers of kinds in the files; bfloat16, the upper half of a float32, has no kind in NumPy.
_KINDS = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 6: "i1", 9: "<i8", 10: "?", 14: "<u2", 19: "<f2"}
_BFLOAT16 = 14
_TEXT = 7
_MOST_INDEX, _MOST_FILES = 1 << 27, 10_000  # of models, a thousand times those that are published


class Entry(NamedTuple):
    """Where a tensor lies, and what it is."""

    kind: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int
    in_slices: bool


class Checkpoint:
    """A checkpoint's tensors by their keys."""

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        self._index = prefix.with_name(f"{prefix.name}.index")
        self._shards: list[Bytes | None] = []
        self.entries: Mapping[str, Entry] = self._read_index()

    def tensor(self, key: str) -> Array:
        """Return a tensor of numbers; bfloat16 comes as float32."""
        entry = self.entries[key]
        if entry.kind not in _KINDS or entry.in_slices:
            what = "in slices" if entry.in_slices else f"of kind {entry.kind}"
            raise self._broken(f"{key} is {what}; only whole tensors of numbers can be read")
        values = self._bytes_of(key).view(_KINDS[entry.kind])
        if values.size != np.prod(entry.shape, dtype=np.int64):
            raise self._broken(f"{key} has {values.size} numbers for the shape {entry.shape}")
        if entry.kind == _BFLOAT16:
            values = (values.astype(np.uint32) << 16).view(np.float32)
        return values.reshape(entry.shape)

    @cached_property
    def objects(self) -> Objects:
        """What the names of the tensors are, object by object."""
        if GRAPH_KEY not in self.entries:
            raise self._broken(
                "no names of objects inside, so it was written by TensorFlow 1; "
                "give a checkpoint of TensorFlow 2"
            )
        try:
            return read_objects(self.text(GRAPH_KEY))
        except (BrokenMessageError, UnicodeDecodeError) as error:
            raise self._broken(str(error)) from error

    def _read_index(self) -> dict[str, Entry]:
        if self._index.stat().st_size > _MOST_INDEX:
            raise self._broken(f"larger than the {_MOST_INDEX:,} bytes that an index may have")
        try:
            found = list(entries(self._index.read_bytes()))
            if not found or found[0][0] != b"":
                raise BrokenMessageError("its head is missing")
            head = fields(found[0][1])
            if number(head, 2) != 0:
                raise BrokenMessageError("its numbers are big-endian")
            if number(head, 1) > _MOST_FILES:
                raise BrokenMessageError(f"it names {number(head, 1):,} files of numbers")
            self._shards = [None] * number(head, 1)
            return {key.decode(): _entry(value) for key, value in found[1:]}
        except (BrokenMessageError, UnicodeDecodeError, IndexError) as error:
            raise self._broken(str(error)) from error

    def text(self, key: str) -> bytes:
        """Return a tensor that is one text: its length, a checksum of that, and its bytes."""
        entry = self.entries[key]
        if entry.kind != _TEXT or entry.shape:
            raise BrokenMessageError(f"{key} is no text")
        data = self._bytes_of(key, checked=False).tobytes()
        length, at = varint(data, 0)
        start = at + 4
        if len(data) != start + length:
            raise BrokenMessageError(f"{key} is cut short")
        # The checksum is over the length as a number, its own checksum, and the bytes.
        width = 4 if length < 1 << 32 else 8
        whole = length.to_bytes(width, "little") + data[at:]
        if masked_crc(np.frombuffer(whole, np.uint8)) != entry.checksum:
            raise BrokenMessageError(f"{key} has another checksum than is noted")
        return data[start:]

    def _bytes_of(self, key: str, *, checked: bool = True) -> Bytes:
        entry = self.entries[key]
        data = self._shard(entry.shard)[entry.offset : entry.offset + entry.size]
        if len(data) < entry.size:
            raise self._broken(f"the file with {key} is cut short")
        if checked and masked_crc(data) != entry.checksum:
            raise self._broken(f"{key} has another checksum than is noted")
        return data

    def _shard(self, shard: int) -> Bytes:
        if not 0 <= shard < len(self._shards):
            raise self._broken(f"no file is of number {shard}")
        found = self._shards[shard]
        if found is None:
            name = f"{self.prefix.name}.data-{shard:05}-of-{len(self._shards):05}"
            path = self.prefix.with_name(name)
            if not path.is_file():
                raise WeightsError(f"{path}: not there; a checkpoint needs it beside its index.")
            empty = path.stat().st_size == 0
            found = np.zeros(0, np.uint8) if empty else np.memmap(path, np.uint8, "r")
            self._shards[shard] = found
        return found

    def _broken(self, why: str) -> WeightsError:
        return WeightsError(f"{self._index}: {why}; fetch the checkpoint again.")


def _entry(value: bytes) -> Entry:
    message = fields(value)
    shape: list[int] = []
    for part in parts(message, 2):
        shape += [number(fields(side), 1) for side in parts(fields(part), 2)]
    kind, shard, offset, size, checksum = (number(message, field) for field in (1, 3, 4, 5, 6))
    return Entry(kind, tuple(shape), shard, offset, size, checksum, bool(parts(message, 7)))
