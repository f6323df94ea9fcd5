"""Parts: a shard's result as one file, a table of its boxes and a fragment of bytes for each.

The fragment is the ready JSON of the mask, or in UTF-8 what is known of why there is none.

Letters: n boxes of the shard that were to have a mask, k images of the shard that were opened,
N rows of the dataset.
"""

import hashlib
import mmap
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from boxmask.durable import replace_file
from boxmask.unreadable import UNREADABLE

MAGIC = b"boxmask part 3\n"
ROW_DTYPE = np.dtype(
    [
        ("row", "<i8"),  # of the dataset
        ("end", "<i8"),  # where its fragment ends; it begins where the last one ended
        ("area", "<i8"),  # pixels
        ("box", "<i4", (4,)),  # x, y, w, h: the tight box of the mask
        ("quality", "<f4"),  # expected IoU
        ("outline_iou", "<f4"),  # of what polygons draw with the mask
        ("reason", "<u2"),  # index into Part.reasons; 0 is "", a mask was made
        ("clipped", "<u2"),  # 1 if the box reached over the image's border
    ]
)
IMAGE_DTYPE = np.dtype([("image", "<i8"), ("width", "<i4"), ("height", "<i4")])


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
    outline_iou: float = 1.0


@dataclass(frozen=True, eq=False)
class Part:
    """The result of one shard."""

    rows: npt.NDArray[np.void]  # (n,) ROW_DTYPE
    images: npt.NDArray[np.void]  # (k,) IMAGE_DTYPE, sizes as measured
    reasons: tuple[str, ...]
    fragments: bytes

    @property
    def masks(self) -> int:
        """How many masks were made."""
        return int((self.rows["reason"] == 0).sum())

    @property
    def image_sizes(self) -> dict[int, tuple[int, int]]:
        """The sizes of its images as measured, (width, height)."""
        return {int(image): (int(w), int(h)) for image, w, h in self.images}

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
    rows = np.zeros(len(outcomes), ROW_DTYPE)
    rows["row"] = [outcome.row for outcome in outcomes]
    rows["end"] = np.cumsum([len(outcome.fragment) for outcome in outcomes], dtype=np.int64)
    rows["area"] = [outcome.area for outcome in outcomes]
    rows["box"] = np.array([outcome.box for outcome in outcomes], np.int32).reshape(-1, 4)
    rows["quality"] = [outcome.quality for outcome in outcomes]
    rows["outline_iou"] = [outcome.outline_iou for outcome in outcomes]
    rows["reason"] = [reasons.index(outcome.reason) for outcome in outcomes]
    rows["clipped"] = [outcome.clipped for outcome in outcomes]
    images = np.array([(image, *sizes[image]) for image in sorted(sizes)], IMAGE_DTYPE)
    return Part(rows, images, reasons, b"".join(outcome.fragment for outcome in outcomes))


def unpack(part: Part) -> Iterator[Outcome]:
    """Yield the outcomes of a part, in the order of their rows."""
    for place, row in enumerate(part.rows):
        yield Outcome(
            int(row["row"]),
            part.reasons[row["reason"]],
            part.fragment(place),
            int(row["area"]),
            tuple(row["box"].tolist()),
            float(row["quality"]),
            bool(row["clipped"]),
            float(row["outline_iou"]),
        )


def write_part(path: Path, part: Part, key: str) -> None:
    """Write a part whole or not at all; `key` names the plan that it belongs to."""
    body = part.rows.tobytes() + part.images.tobytes() + part.fragments
    counts = (len(part.rows), len(part.images))
    header = _Header(key, _checksum(key, counts, part.reasons, body), *counts, part.reasons)
    with replace_file(path) as stream:
        stream.write(MAGIC + msgspec.json.encode(header) + b"\n" + body)


def read_part(path: Path, key: str) -> Part:
    """Read a part back; raise DamagedPart unless every byte is what was written for this plan."""
    magic, _, rest = path.read_bytes().partition(b"\n")
    head, _, body = rest.partition(b"\n")
    try:
        header = msgspec.json.decode(head, type=_Header)
    except UNREADABLE as error:
        raise DamagedPart(path) from error
    counts = (header.rows, header.images)
    if magic + b"\n" != MAGIC or header.key != key:
        raise DamagedPart(path)
    if header.checksum != _checksum(key, counts, header.reasons, body):
        raise DamagedPart(path)
    middle = header.rows * ROW_DTYPE.itemsize
    end = middle + header.images * IMAGE_DTYPE.itemsize
    return Part(
        np.frombuffer(body[:middle], ROW_DTYPE),
        np.frombuffer(body[middle:end], IMAGE_DTYPE),
        header.reasons,
        body[end:],
    )


def _checksum(key: str, counts: tuple[int, int], reasons: tuple[str, ...], body: bytes) -> str:
    about = msgspec.json.encode([key, counts, reasons])
    return hashlib.sha256(about + b"\n" + body).hexdigest()


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The outcomes of all parts by row, as columns over the N rows of a dataset.

    However large the output, memory holds some 40 bytes a row.
    """

    rows: npt.NDArray[np.void]  # (N,) ROW_DTYPE; `end` is -1 in a row that no part speaks of
    starts: npt.NDArray[np.int64]  # (N,) where a row's fragment begins
    reasons: tuple[str, ...]
    sizes: dict[int, tuple[int, int]]  # of the images opened, (width, height)
    fragments: mmap.mmap | bytes

    def fragment(self, row: int) -> bytes:
        """Return the JSON of a row's mask, or the details of why there is none."""
        return self.fragments[int(self.starts[row]) : max(0, int(self.rows["end"][row]))]


@contextmanager
def gather_parts(parts: Iterable[Part], *, rows: int, scratch: Path) -> Iterator[Outcomes]:
    """Copy the parts together; a part at a time is in memory, and no file is left behind.

    One scratch file rather than many mapped parts: a large dataset has more parts than a process
    may hold files open.
    """
    table, starts = np.zeros(rows, ROW_DTYPE), np.zeros(rows, np.int64)
    table["end"] = -1
    reasons: dict[str, int] = {"": 0}
    sizes: dict[int, tuple[int, int]] = {}
    with tempfile.TemporaryFile(dir=scratch) as stream:
        for part in parts:
            at, copy = part.rows["row"], part.rows.copy()
            copy["end"] += stream.tell()
            codes = [reasons.setdefault(reason, len(reasons)) for reason in part.reasons]
            copy["reason"] = np.array(codes, np.uint16)[copy["reason"]]
            table[at] = copy
            starts[at] = np.concatenate([[stream.tell()], copy["end"][:-1]])[: len(copy)]
            sizes |= part.image_sizes
            stream.write(part.fragments)
        stream.flush()
        mapped = _mapped(stream.fileno()) if stream.tell() else b""
        yield Outcomes(table, starts, tuple(reasons), sizes, mapped)


def _mapped(handle: int) -> mmap.mmap:
    return mmap.mmap(handle, 0, access=mmap.ACCESS_READ)
