"""A shard's result as one file: a table of its boxes, and a fragment of bytes for each.

The fragment is the ready JSON of the mask, or in UTF-8 what is known of why there is none.

Letters: n boxes of the shard that were asked for a mask, k images of the shard that were opened.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from boxmask.durable import replacing

MAGIC = b"boxmask part 2\n"
ROW = np.dtype(
    [
        ("row", "<i8"),  # of the dataset
        ("end", "<i8"),  # where its fragment ends; it begins where the last one ended
        ("area", "<i8"),  # pixels
        ("box", "<i4", (4,)),  # x, y, w, h: the tight box of the mask
        ("quality", "<f4"),  # expected IoU
        ("reason", "<u2"),  # index into Part.reasons; 0 is "", a mask was made
        ("clipped", "<u2"),  # 1 if the box reached over the image's border
    ]
)
IMAGE = np.dtype([("image", "<i8"), ("width", "<i4"), ("height", "<i4")])


class DamagedPart(Exception):
    """A part file that is not what was written, or not of this plan."""


class Outcome(NamedTuple):
    """What became of one box: a mask as JSON, or the reason why there is none, and its details."""

    row: int
    reason: str = ""
    fragment: bytes = b""
    area: int = 0
    box: tuple[int, int, int, int] = (0, 0, 0, 0)
    quality: float = 0.0
    clipped: bool = False


@dataclass(frozen=True, eq=False)
class Part:
    """The result of one shard."""

    rows: npt.NDArray[np.void]  # (n,) ROW
    images: npt.NDArray[np.void]  # (k,) IMAGE, sizes as measured
    reasons: tuple[str, ...]
    fragments: bytes

    def fragment(self, place: int) -> bytes:
        """Return the fragment of one of its rows."""
        start = int(self.rows["end"][place - 1]) if place else 0
        return self.fragments[start : int(self.rows["end"][place])]


class _Header(msgspec.Struct, frozen=True):
    key: str
    checksum: str
    rows: int
    images: int
    reasons: tuple[str, ...]


def pack(outcomes: list[Outcome], sizes: dict[int, tuple[int, int]]) -> Part:
    """Lay outcomes out as a part, in the order of their rows; sizes are (width, height)."""
    outcomes = sorted(outcomes)
    reasons = ("", *sorted({outcome.reason for outcome in outcomes} - {""}))
    rows = np.zeros(len(outcomes), ROW)
    rows["row"] = [outcome.row for outcome in outcomes]
    rows["end"] = np.cumsum([len(outcome.fragment) for outcome in outcomes], dtype=np.int64)
    rows["area"] = [outcome.area for outcome in outcomes]
    rows["box"] = np.array([outcome.box for outcome in outcomes], np.int32).reshape(-1, 4)
    rows["quality"] = [outcome.quality for outcome in outcomes]
    rows["reason"] = [reasons.index(outcome.reason) for outcome in outcomes]
    rows["clipped"] = [outcome.clipped for outcome in outcomes]
    images = np.array([(image, *sizes[image]) for image in sorted(sizes)], IMAGE)
    return Part(rows, images, reasons, b"".join(outcome.fragment for outcome in outcomes))


def write_part(path: Path, part: Part, key: str) -> None:
    """Write a part whole or not at all; `key` names the plan that it belongs to."""
    body = part.rows.tobytes() + part.images.tobytes() + part.fragments
    counts = (len(part.rows), len(part.images))
    header = _Header(key, _checksum(key, counts, part.reasons, body), *counts, part.reasons)
    with replacing(path) as stream:
        stream.write(MAGIC + msgspec.json.encode(header) + b"\n" + body)


def read_part(path: Path, key: str) -> Part:
    """Read a part back; raise DamagedPart unless every byte is what was written for this plan."""
    magic, _, rest = path.read_bytes().partition(b"\n")
    head, _, body = rest.partition(b"\n")
    try:
        header = msgspec.json.decode(head, type=_Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedPart(path) from error
    counts = (header.rows, header.images)
    if magic + b"\n" != MAGIC or header.key != key:
        raise DamagedPart(path)
    if header.checksum != _checksum(key, counts, header.reasons, body):
        raise DamagedPart(path)
    middle = header.rows * ROW.itemsize
    end = middle + header.images * IMAGE.itemsize
    return Part(
        np.frombuffer(body[:middle], ROW),
        np.frombuffer(body[middle:end], IMAGE),
        header.reasons,
        body[end:],
    )


def _checksum(key: str, counts: tuple[int, int], reasons: tuple[str, ...], body: bytes) -> str:
    about = msgspec.json.encode([key, counts, reasons])
    return hashlib.sha256(about + b"\n" + body).hexdigest()
