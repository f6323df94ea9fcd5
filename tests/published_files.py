"""Checkpoints written by the rules of their format, for tests of what is made of them."""

import struct
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from test_published_networks import Kept

from boxmask.published.checksum import masked_crc
from boxmask.published.objects import GRAPH_KEY

sys.path.append(str(Path(__file__).parents[1] / "examples"))

from fuzzing.tables import table, varint

__all__ = ["number", "table", "write_checkpoint"]

Bytes = npt.NDArray[np.uint8]


def number(field: int, value: int) -> bytes:
    """A field that is a whole number."""
    return varint(field << 3) + varint(value)


def part(field: int, data: bytes) -> bytes:
    """A field of bytes."""
    return varint(field << 3 | 2) + varint(len(data)) + data


def write_checkpoint(prefix: Path, kept: Kept) -> None:
    """Write a kept network as a checkpoint with its numbers."""
    graph = kept.kept["objects"].tobytes()
    length = len(graph).to_bytes(4, "little")
    check = struct.pack("<I", masked_crc(np.frombuffer(length, np.uint8)))
    texts = {GRAPH_KEY: varint(len(graph)) + check + graph}
    whole = np.frombuffer(length + check + graph, np.uint8)
    pairs = [(b"", number(1, 1))]
    prefix.parent.mkdir(parents=True, exist_ok=True)
    with prefix.with_name(f"{prefix.name}.data-00000-of-00001").open("wb") as stream:
        for key in sorted([*texts, *kept.entries]):
            data = texts.get(key) or kept.tensor(key).tobytes()
            sides = () if key in texts else kept.entries[key].shape
            shape = b"".join(part(2, number(1, side)) for side in sides)
            checksum = masked_crc(whole if key in texts else np.frombuffer(data, np.uint8))
            entry = number(1, 7 if key in texts else 1) + part(2, shape)
            entry += number(4, stream.tell()) + number(5, len(data))
            entry += varint(6 << 3 | 5) + struct.pack("<I", checksum)
            pairs.append((key.encode(), entry))
            stream.write(data)
    prefix.with_name(f"{prefix.name}.index").write_bytes(table(pairs))
