"""The sorted table of keys and values that the index of a checkpoint is.

Blocks of entries, each key written as what it shares with the one before and what it adds; an
index of the blocks; and at the end where that index lies. Every block carries its checksum.
"""

import struct
from collections.abc import Iterator

import numpy as np

from boxmask.published.checksum import masked_crc
from boxmask.published.messages import BrokenMessageError, varint

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48  # bytes
_TRAILER = 5  # bytes behind a block: how it is packed, and its checksum


def entries(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a table in their order."""
    if len(data) < _FOOTER or struct.unpack("<Q", data[-8:])[0] != _MAGIC:
        raise BrokenMessageError("the end of an index is missing")
    _, _, at = _handle(data, len(data) - _FOOTER)
    start, length, _ = _handle(data, at)
    for _, handle in _block(data, start, length):
        yield from _block(data, *_handle(handle, 0)[:2])


def _handle(data: bytes, at: int) -> tuple[int, int, int]:
    """Read where a block lies: its start, its length, and the place after both."""
    start, at = varint(data, at)
    length, at = varint(data, at)
    return start, length, at


def _block(data: bytes, start: int, length: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the entries of one block."""
    block, trailer = data[start : start + length], data[start + length :][:_TRAILER]
    if len(block) < length or len(trailer) < _TRAILER or length < 4:
        raise BrokenMessageError("a block of the index is cut short")
    packing, checksum = struct.unpack("<BI", trailer)
    if packing:
        raise BrokenMessageError("the index is compressed, as no checkpoint of TensorFlow is")
    if masked_crc(np.frombuffer(data[start : start + length + 1], np.uint8)) != checksum:
        raise BrokenMessageError("a block of the index has another checksum than is noted")
    restarts = struct.unpack("<I", block[-4:])[0]
    end, at, key = length - 4 * (restarts + 1), 0, b""
    while at < end:
        shared, at = varint(block, at)
        added, at = varint(block, at)
        size, at = varint(block, at)
        key = key[:shared] + block[at : at + added]
        at += added + size
        yield key, block[at - size : at]
