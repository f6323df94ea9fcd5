"""What the user named as the boxes: a JSON file, a file of another kind, or a folder."""

import gzip
import os
import zlib
from functools import cached_property
from pathlib import Path

from boxmask.data.raw.document import Document, open_document
from boxmask.errors import InputError

_HEAD = 4096
_BOM = b"\xef\xbb\xbf"


class Input:
    """A path that readers are asked about; a file is opened once, a folder listed once, for all."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def folder(self) -> Path:
        """The folder that this is, or that the file lies in."""
        return self.path if self.is_folder else self.path.parent

    @cached_property
    def is_folder(self) -> bool:
        """Whether this is a folder."""
        return self.path.is_dir()

    @cached_property
    def head(self) -> bytes:
        """The first bytes of a file, unpacked, without a byte order mark; none of a folder."""
        return head_of(self.path)

    @property
    def may_be_json(self) -> bool:
        """Whether a file begins like JSON."""
        return self.head.lstrip()[:1] in (b"{", b"[")

    @property
    def is_json(self) -> bool:
        """Whether this is a JSON file, whatever it holds."""
        return self.may_be_json and isinstance(self._opened, Document)

    @property
    def document(self) -> Document:
        """The JSON file; InputError tells why it is none."""
        if isinstance(self._opened, InputError):
            raise self._opened
        return self._opened

    @cached_property
    def _opened(self) -> Document | InputError:
        try:
            return open_document(self.path)
        except InputError as error:
            return error

    def has_members(self, *keys: str) -> bool:
        """Tell whether this is a JSON object that has all these keys."""
        return self.is_json and all(key in self.document.members for key in keys)

    @cached_property
    def files(self) -> tuple[str, ...]:
        """The files below a folder, by their paths in it, in order; hidden ones are left out."""
        return tuple(sorted(files_below(self.path))) if self.is_folder else ()

    def with_suffix(self, suffix: str) -> list[str]:
        """List the files below a folder that end so; of a file that ends so, its name."""
        names = self.files if self.is_folder else (self.path.name,)
        return [name for name in names if name.lower().endswith(suffix)]

    def has_member(self, name: str, key: str) -> bool | None:
        """Tell whether a JSON file of the folder has a member; None if it cannot be read."""
        path = self.folder / name
        if f'"{key}"'.encode() in head_of(path):
            return True
        try:
            return key in open_document(path).members
        except InputError:
            return None

    def content(self, name: str) -> bytes:
        """Read a file of the folder, without a byte order mark."""
        path = self.folder / name
        try:
            return path.read_bytes().removeprefix(_BOM)
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}.") from error


def head_of(path: Path) -> bytes:
    """Return the first bytes of a file, unpacked, without a byte order mark; none if unreadable."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if head.startswith(b"\x1f\x8b"):
            with gzip.open(path) as unpacked:
                head = unpacked.read(_HEAD)
    except (OSError, EOFError, zlib.error):
        return b""
    return head.removeprefix(_BOM)


def files_below(folder: Path) -> list[str]:
    """List the paths of all files below a folder, with / between the parts."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = os.path.relpath(place, folder).replace(os.sep, "/")
        prefix = "" if below == "." else f"{below}/"
        found += [prefix + name for name in files if not name.startswith(".")]
    return found
