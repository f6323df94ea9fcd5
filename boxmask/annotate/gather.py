"""All parts of a run as columns over the rows of a dataset, their fragments in one scratch file.

Letters: N rows of the dataset. However large the output, memory holds some 40 bytes a row.
"""

import mmap
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from boxmask.annotate.parts import ROW, Part


@dataclass(frozen=True, eq=False)
class Gathered:
    """Outcomes by row, in any order of access."""

    rows: npt.NDArray[np.void]  # (N,) ROW; `end` is -1 in a row that no part speaks of
    starts: npt.NDArray[np.int64]  # (N,) where a row's fragment begins
    reasons: tuple[str, ...]
    sizes: dict[int, tuple[int, int]]  # of the images opened, (width, height)
    fragments: mmap.mmap | bytes

    def fragment(self, row: int) -> bytes:
        """Return the JSON of a row's mask, or the details of why there is none."""
        return self.fragments[int(self.starts[row]) : max(0, int(self.rows["end"][row]))]


@contextmanager
def gathered(parts: Iterable[Part], *, rows: int, scratch: Path) -> Iterator[Gathered]:
    """Copy the parts together; a part at a time is in memory, and no file is left behind.

    One scratch file rather than many mapped parts: a large dataset has more parts than a process
    may hold files open.
    """
    table, starts = np.zeros(rows, ROW), np.zeros(rows, np.int64)
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
            sizes |= {int(image): (int(w), int(h)) for image, w, h in part.images}
            stream.write(part.fragments)
        stream.flush()
        mapped = _mapped(stream.fileno()) if stream.tell() else b""
        yield Gathered(table, starts, tuple(reasons), sizes, mapped)


def _mapped(handle: int) -> mmap.mmap:
    return mmap.mmap(handle, 0, access=mmap.ACCESS_READ)
