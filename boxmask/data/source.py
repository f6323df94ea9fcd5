"""The bytes of one JSON file, mapped into memory, or unpacked if it is gzipped."""

import gzip
import mmap
import zlib
from pathlib import Path

from boxmask.errors import InputError

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_NOT_JSON = {
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"\xff\xfe": "UTF-16 text: save it as UTF-8",
    b"\xfe\xff": "UTF-16 text: save it as UTF-8",
}


class Source:
    """A file's text as bytes. It pickles as its path, so a spawned worker maps the file anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._data: memoryview | None = _load(path)
        self.size = len(self._data)

    @property
    def data(self) -> memoryview:
        """The whole text, without a byte order mark."""
        if self._data is None:
            self._data = _load(self.path)
            if len(self._data) != self.size:
                raise InputError(
                    f"{self.path}: the file has changed since it was read; start anew."
                )
        return self._data

    def __getstate__(self) -> dict[str, object]:
        return {"path": self.path, "size": self.size, "_data": None}


def _load(path: Path) -> memoryview:
    try:
        with path.open("rb") as file:
            start = file.read(4)
            if start[:2] == _GZIP:
                file.seek(0)
                data = memoryview(gzip.decompress(file.read()))
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
    return data[len(_BOM) :] if data[: len(_BOM)] == _BOM else data
