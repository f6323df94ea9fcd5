"""Tables of keys and values as checkpoints have them, written by the rules of their format."""

import struct

import numpy as np

from boxmask.published.checksum import masked_crc

_MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)  # with which a table ends


def varint(value: int) -> bytes:
    """A whole number of variable length."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def table(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """A table of one block, as boxmask.published.table reads it."""
    data, nothing = _block(pairs), _block([])
    index = _block([(pairs[-1][0], varint(0) + varint(len(data) - 5))])
    footer = varint(len(data)) + varint(len(nothing) - 5)
    footer += varint(len(data) + len(nothing)) + varint(len(index) - 5)
    return data + nothing + index + footer.ljust(40, b"\0") + _MAGIC


def _block(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """A block of a table, without shared beginnings, and its trailer."""
    body = b"".join(
        varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in pairs
    )
    body += struct.pack("<II", 0, 1) + b"\0"
    return body + struct.pack("<I", masked_crc(np.frombuffer(body, np.uint8)))
