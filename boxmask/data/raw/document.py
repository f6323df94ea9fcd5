"""A JSON file cut into its top-level members, each still as the bytes of the file."""

import gzip
import json
import mmap
import re
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from boxmask.data.numbers import whole_number
from boxmask.data.raw.keys import first_repeated
from boxmask.data.raw.repair import strict_copy
from boxmask.errors import InputError
from boxmask.unreadable import UNREADABLE

_TOP = msgspec.json.Decoder(dict[str, msgspec.Raw] | list[msgspec.Raw])
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_PREVIEW_LENGTH = 40
_MAX_NAMES = 12
_GZIP = b"\x1f\x8b"
# What a gzip file may unpack to: so many bytes, or so many times what was read of it until then.
_UNPACKED, _TIMES = 1 << 28, 200
_PIECE = 1 << 24
_BOM = b"\xef\xbb\xbf"
_NOT_JSON = {
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"\xff\xfe": "UTF-16 text: save it as UTF-8",
    b"\xfe\xff": "UTF-16 text: save it as UTF-8",
}


class MappedFile:
    """A file's text as bytes. It pickles as its path, so a spawned worker maps the file again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        whole = _read_bytes(path)
        self.mark = _BOM if whole[: len(_BOM)] == _BOM else b""
        """The byte order mark that the file begins with, if it does."""
        self._data: memoryview | None = whole[len(self.mark) :]
        self.size = len(self._data)

    @property
    def data(self) -> memoryview:
        """The whole text, without a byte order mark."""
        if self._data is None:
            self._data = _read_bytes(self.path)[len(self.mark) :]
            if len(self._data) != self.size:
                raise InputError(
                    f"{self.path}: the file has changed since it was read; start again."
                )
        return self._data

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_data": None}


@dataclass(frozen=True)
class Document:
    """A file and its top level: members of an object, or items of a list."""

    source: MappedFile
    text: memoryview  # as long as source.data; the same bytes, or a strict copy of them
    members: dict[str, msgspec.Raw]  # empty if the top level is a list
    items: list[msgspec.Raw] | None  # None if the top level is an object

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self.source.path

    def require(self, *keys: str, has: str) -> None:
        """Raise InputError unless the file has these members; `has` says what such a file has."""
        for key in keys:
            if key not in self.members:
                raise InputError(
                    f'{self.path}: there is no "{key}" at the top level; {has}. Found: '
                    f"{self.describe_top_level()}."
                )

    def describe_top_level(self) -> str:
        """Say what the top level holds, for an error."""
        if self.items is not None:
            return f"a list of {len(self.items)} items"
        names = ", ".join(f'"{name}"' for name in list(self.members)[:_MAX_NAMES])
        return names or "an object without members"

    def item_keys(self) -> set[str]:
        """Return the keys of the first item of a list; none if there is no such object."""
        try:
            return set(_MEMBERS.decode(self.items[0])) if self.items else set()
        except UNREADABLE:
            return set()

    def value(self, key: str) -> object:
        """Decode a member of the top level; None if it is not there."""
        if key not in self.members:
            return None
        try:
            return decode_lenient(self.original(self.members[key]))
        except ValueError as error:
            raise InputError(f'{self.path}: "{key}" cannot be decoded: {error}.') from error

    def offset(self, raw: msgspec.Raw) -> int:
        """Return where a slice of this document's text begins."""
        return address(raw) - self._address

    @cached_property
    def _address(self) -> int:
        return address(self.text)

    def original(self, raw: msgspec.Raw) -> bytes:
        """Return the file's own bytes of a slice of this document's text."""
        start = self.offset(raw)
        return bytes(self.source.data[start : start + len(raw)])


def open_document(path: Path) -> Document:
    """Open a JSON file and split its top level; InputError tells where the JSON is broken."""
    source = MappedFile(path)
    text = source.data
    try:
        try:
            top = _TOP.decode(text)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            text = memoryview(strict_copy(text))
            top = _TOP.decode(text)
    except UNREADABLE as error:
        raise InputError(f"{path}: {_explain_json_error(source.data, error)}") from error
    if isinstance(top, dict):
        document = Document(source, text, top, None)
        _refuse_repeated(document)
        return document
    return Document(source, text, {}, top)


def _refuse_repeated(document: Document) -> None:
    """Raise InputError if a key is there twice at the top level: a whole list would be lost."""
    spans = [(document.offset(raw), len(raw)) for raw in document.members.values()]
    repeated = first_repeated(document.text, spans)
    if repeated is not None:
        raise InputError(
            f'{document.path}: the key "{repeated}" is there more than once at the top level, and '
            "only the last one would be read; make one of them, or rename one."
        )


def address(buffer: bytes | memoryview) -> int:
    """Return where a buffer lies in memory."""
    return int(np.frombuffer(buffer, np.uint8).__array_interface__["data"][0]) if buffer else 0


def is_null(raw: msgspec.Raw | None) -> bool:
    """Tell whether a value is absent or null."""
    return raw is None or bytes(memoryview(raw)[:5]) == b"null"


def decode_lenient(text: bytes | memoryview) -> object:
    """Decode as Python's json does; bytes that are not UTF-8 survive as in file names."""
    try:
        return json.loads(bytes(text).decode("utf-8", "surrogateescape"), parse_int=whole_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _explain_json_error(text: memoryview, error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        return "the top level is neither an object nor a list, so this is no dataset."
    if isinstance(error, RecursionError):
        return "not usable JSON: it is nested too deeply."
    if isinstance(error, UnicodeDecodeError) or "UTF-8" in str(error):  # by msgspec's version
        return "the JSON is broken: a key is not UTF-8; save the file as UTF-8."
    found = re.search(r"\(byte (\d+)\)", str(error))
    if found is None:
        return (
            f"the JSON breaks off at byte {len(text)}, in the middle of a value: the file is "
            "truncated; fetch or write it again."
        )
    # msgspec counts one too many where it has already looked past the end of the value.
    byte = int(found[1]) - ("trailing" in str(error))
    line = bytes(text[:byte]).count(b"\n") + 1
    what = str(error).split(": ", 1)[-1].split(" (")[0]
    shown = bytes(text[byte : byte + _PREVIEW_LENGTH]).decode("utf-8", "replace")
    return f"the JSON is broken at byte {byte}, line {line}: {what}, found {shown!r}."


def _unpacked(path: Path, file: BinaryIO) -> bytearray:
    """Unpack a gzip file, unless more comes out of what was read of it than of any box file."""
    data = bytearray()
    with gzip.GzipFile(fileobj=file) as packed:
        while piece := packed.read(_PIECE):
            data += piece
            if len(data) > max(_UNPACKED, _TIMES * file.tell()):
                raise InputError(
                    f"{path}: unpacks to more than {_UNPACKED:,} bytes and {_TIMES} times what "
                    "was read of it; no box file does. Unpack it by hand if it is one."
                )
    return data


def _read_bytes(path: Path) -> memoryview:
    try:
        with path.open("rb") as file:
            start = file.read(4)
            if start[:2] == _GZIP:
                file.seek(0)
                data = memoryview(_unpacked(path, file))
            elif start:
                # A map costs no memory of its own, and forked workers share it.
                data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            else:
                raise InputError(f"{path}: the file is empty; a JSON file was expected.")
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: cannot be read: {reason}.") from error
    for magic, what in _NOT_JSON.items():
        if start.startswith(magic):
            raise InputError(f"{path}: the file is {what}.")
    return data
