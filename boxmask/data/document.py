"""A JSON file cut into its top-level members, each still as the bytes of the file."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np

from boxmask.data.repair import repaired
from boxmask.data.source import Source
from boxmask.errors import InputError

_TOP = msgspec.json.Decoder(dict[str, msgspec.Raw] | list[msgspec.Raw])
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SHOWN = 40
_NAMED = 12


@dataclass(frozen=True)
class Document:
    """A file and its top level: members of an object, or items of a list."""

    source: Source
    text: memoryview  # as long as source.data; the same bytes unless they had to be repaired
    members: dict[str, msgspec.Raw]  # empty if the top level is a list
    items: list[msgspec.Raw] | None  # None if the top level is an object

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self.source.path

    def describe_top_level(self) -> str:
        """Say what the top level holds, for an error."""
        if self.items is not None:
            return f"a list of {len(self.items)} items"
        names = ", ".join(f'"{name}"' for name in list(self.members)[:_NAMED])
        return names or "an object without members"

    def item_keys(self) -> set[str]:
        """Return the keys of the first item of a list; none if there is no such object."""
        try:
            return set(_MEMBERS.decode(self.items[0])) if self.items else set()
        except (msgspec.DecodeError, UnicodeDecodeError):
            return set()

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
    source = Source(path)
    text = source.data
    try:
        try:
            top = _TOP.decode(text)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            text = memoryview(repaired(text))
            top = _TOP.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: {_broken(source.data, error)}") from error
    if isinstance(top, dict):
        return Document(source, text, top, None)
    return Document(source, text, {}, top)


def address(buffer: bytes | memoryview) -> int:
    """Return where a buffer lies in memory."""
    return int(np.frombuffer(buffer, np.uint8).__array_interface__["data"][0]) if buffer else 0


def is_null(raw: msgspec.Raw | None) -> bool:
    """Tell whether a value is absent or null."""
    return raw is None or bytes(memoryview(raw)[:5]) == b"null"


def loads(text: bytes | memoryview) -> object:
    """Decode as Python's json does; bytes that are not UTF-8 survive as in file names."""
    return json.loads(bytes(text).decode("utf-8", "surrogateescape"))


def _broken(text: memoryview, error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        return "the top level is neither an object nor a list, so this is no dataset."
    if isinstance(error, RecursionError):
        return "not usable JSON: it is nested too deeply."
    if isinstance(error, UnicodeDecodeError):
        return f"the JSON is broken: a key is not UTF-8 ({error.reason}); save the file as UTF-8."
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
    shown = bytes(text[byte : byte + _SHOWN]).decode("utf-8", "replace")
    return f"the JSON is broken at byte {byte}, line {line}: {what}, found {shown!r}."
