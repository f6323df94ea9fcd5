"""CRC-32C, the checksum of TensorFlow's files, over many stretches of a buffer at once.

The checksum is linear: that of two stretches, one after the other, is that of the first carried
over the length of the second, plus that of the second. So a buffer is cut into lanes, the lanes
advance side by side, and are then joined pair by pair.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint32]

_POLYNOMIAL = 0x82F63B78
_LANE = 1024  # bytes of a lane; even, since lanes advance by two bytes
_MOST_LANES = 1 << 14
_ALL = 0xFFFFFFFF


def masked_crc(data: Bytes) -> int:
    """Return the CRC-32C of bytes (N,), masked as in TensorFlow's files."""
    found = crc32c(data)
    return (((found >> 15) | (found << 17)) + 0xA282EAD8) & _ALL


def crc32c(data: Bytes) -> int:
    """Return the CRC-32C of bytes (N,)."""
    state, at = _ALL, 0
    while len(data) - at >= _LANE:
        # As many lanes as a power of two has, so that they join in pairs.
        lanes = min(_MOST_LANES, 1 << ((len(data) - at) // _LANE).bit_length() - 1)
        piece = data[at : at + lanes * _LANE].reshape(lanes, _LANE)
        state = _carry_one(state, lanes) ^ _joined(_lanes(piece))
        at += lanes * _LANE
    table = _byte_table()
    for byte in data[at:].tolist():
        state = int(table[(state ^ byte) & 0xFF]) ^ (state >> 8)
    return state ^ _ALL


def _lanes(piece: Bytes) -> Words:
    """Return the state (K,) of each lane of a piece (K,L), from a state of zero."""
    pairs = piece.view("<u2")
    table = _pair_table()
    state = np.zeros(len(piece), dtype=np.uint32)
    for column in range(pairs.shape[1]):
        state = table[(state ^ pairs[:, column]) & 0xFFFF] ^ (state >> 16)
    return state


def _joined(states: Words) -> int:
    """Join the states (K,) of lanes of equal length, K a power of two."""
    level = 0
    while len(states) > 1:
        states = _carry(states[0::2], level) ^ states[1::2]
        level += 1
    return int(states[0])


def _carry_one(state: int, lanes: int) -> int:
    """Carry a state over `lanes` lanes, a power of two."""
    return int(_carry(np.array([state], dtype=np.uint32), lanes.bit_length() - 1)[0])


def _carry(states: Words, level: int) -> Words:
    """Carry states over 2 ** level lanes of zeros."""
    tables = _carry_tables(level)
    parts = [tables[byte][(states >> (8 * byte)) & 0xFF] for byte in range(4)]
    carried: Words = parts[0] ^ parts[1] ^ parts[2] ^ parts[3]
    return carried


@cache
def _carry_tables(level: int) -> tuple[Words, ...]:
    """Return what each byte of a state, by its place, becomes over 2 ** level lanes of zeros."""
    places: list[Words] = [
        np.arange(256, dtype=np.uint32) << np.uint32(8 * byte) for byte in range(4)
    ]
    if level > 0:
        return tuple(_carry(_carry(place, level - 1), level - 1) for place in places)
    table = _byte_table()
    for _ in range(_LANE):
        places = [table[place & 0xFF] ^ (place >> 8) for place in places]
    return tuple(places)


@cache
def _byte_table() -> Words:
    """Return what a state of one byte (256,) becomes over one byte."""
    table: Words = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> np.uint32(1)) ^ np.where(
            table & np.uint32(1), np.uint32(_POLYNOMIAL), np.uint32(0)
        )
    return table


@cache
def _pair_table() -> Words:
    """Return what a state of two bytes (65536,) becomes over two bytes."""
    table = _byte_table()
    state: Words = np.arange(1 << 16, dtype=np.uint32)
    for _ in range(2):
        state = table[state & 0xFF] ^ (state >> 8)
    return state
