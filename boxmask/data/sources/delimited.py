"""Tables as text, one record a line: CSV with commas, semicolons or tabs between the fields.

However many rows, memory holds some 50 bytes of each; their text stays in the mapped file.
"""

import csv
import re
from array import array
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from boxmask.data.raw.document import MappedFile
from boxmask.data.raw.input import Input
from boxmask.data.sources.origin import Origin, encode_record, text_of
from boxmask.errors import InputError

_CHUNK = 1 << 24  # bytes that are searched for line ends at once
_QUOTED = re.compile(r'(?:^|[,;\t])"')
_LONGEST = 1000  # lines that one quoted field may span


class Table:
    """A file in lines, the first of them the names of the fields unless `headed` is False."""

    def __init__(self, source: Input, *, headed: bool = True) -> None:
        self.file = MappedFile(source.path)
        self.records = LineRecords(self.file, source.path.name)
        self.delimiter = delimiter_of(source)
        self._headed = headed

    def rows(self) -> Iterator[list[str]]:
        """Yield the fields of each row that is not empty, its record being the last by then.

        A field in quotes may go on over the end of a line.
        """
        ends = line_ends(self.file.data)
        line = start = 0
        while line < len(ends):
            last = line
            text = text_of(self.file.data[start : ends[last]])
            while _is_open(text) and last + 1 < min(len(ends), line + _LONGEST):
                last += 1
                text = text_of(self.file.data[start : ends[last]])
            if text.strip() and (line or not self._headed):
                self.records.add(start, int(ends[last]) - start - text.endswith("\r"), line)
                yield split_fields(text, self.delimiter)
            line, start = last + 1, int(ends[last]) + 1


class LineRecords:
    """The record of each row of a table, made when asked for; pickles as the path and the spans."""

    def __init__(self, file: MappedFile, name: str) -> None:
        self._file, self._name = file, name
        self._starts, self._lengths, self._lines = array("q"), array("q"), array("q")

    def add(self, start: int, length: int, line: int) -> None:
        """Note a row: where its text is, and its line from 0."""
        self._starts.append(start)
        self._lengths.append(length)
        self._lines.append(line + 1)

    def drop_last(self) -> None:
        """Forget the last row: it is about an image without a box."""
        for column in (self._starts, self._lengths, self._lines):
            column.pop()

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> bytes:
        return encode_record(self.origin(index), {})

    def origin(self, index: int) -> Origin:
        """Return where a row comes from."""
        start = self._starts[index]
        text = text_of(self._file.data[start : start + self._lengths[index]])
        return Origin(self._name, line=self._lines[index], record=text)


def _is_open(text: str) -> bool:
    """Tell whether a field that begins with a quote lacks the one that ends it."""
    return text.count('"') % 2 == 1 and _QUOTED.search(text) is not None


def line_ends(data: memoryview) -> npt.NDArray[np.int64]:
    """Return where each line of a text ends; the last one may lack its line end."""
    found = [
        np.flatnonzero(np.frombuffer(data[first : first + _CHUNK], np.uint8) == ord("\n")) + first
        for first in range(0, len(data), _CHUNK)
    ]
    ends = np.concatenate([np.zeros(0, np.int64), *found])
    whole = not len(data) or data[-1] == ord("\n")
    return ends if whole else np.append(ends, len(data))


def first_line(source: Input) -> str:
    """Return the first line of a file."""
    return text_of(source.head.partition(b"\n")[0]).rstrip("\r")


def header_of(source: Input) -> list[str]:
    """Return the fields of the first line of a file; none of a folder, or of what is no text."""
    line = source.head.partition(b"\n")[0]
    if not line or b"\0" in line or source.may_be_json or line.lstrip()[:1] == b"<":
        return []
    return [field.strip() for field in split_fields(text_of(line), delimiter_of(source))]


def delimiter_of(source: Input) -> str:
    """Return what stands between the fields of the first line."""
    return max(",;\t", key=first_line(source).count)


def split_fields(text: str, delimiter: str) -> list[str]:
    """Split a line into its fields, quotes taken off."""
    if '"' not in text:
        return text.rstrip("\r\n").split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return [text]


def column(header: list[str], *names: str) -> int:
    """Return the place of the first of the names among the fields, however written; -1 if none."""
    plain = [field.lower().replace("_", "").replace(" ", "") for field in header]
    return next((plain.index(name) for name in names if name in plain), -1)


def require_columns(source: Input, columns: dict[str, int]) -> None:
    """Raise InputError if a column is not there."""
    missing = [name for name, place in columns.items() if place < 0]
    if missing:
        raise InputError(
            f"{source.path}: line 1 does not name a column of {', '.join(missing)}; "
            f"it is {first_line(source)[:200]!r}."
        )
