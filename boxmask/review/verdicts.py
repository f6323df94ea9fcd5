"""The verdicts file: JSON lines that are only ever appended, each on the disk before it counts."""

import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from boxmask.durable import sync_folder
from boxmask.errors import InputError, RunError
from boxmask.review.masks import Rle, to_rle

VERDICTS = ("accept", "reject", "fix")
KINDS = (*VERDICTS, "none", "corrected", "drawn", "undo", "audit")
_MARK = "boxmask_review"  # the first key of the first line
_VERSION = 1
_OPTIONAL = ("rle", "box", "by", "category", "undoes", "size", "seed")

Row = int | str  # of the file, or "new-K" of one that was drawn here


@dataclass(frozen=True)
class Entry:
    """One line of the file."""

    seq: int
    at: str
    client: str
    row: Row | None  # None for "audit", which is of no row
    id: object  # of the annotation, as the file has it
    image: str | None  # its file name
    mask: str | None  # the hash of the mask that was judged
    verdict: str  # one of KINDS
    rle: Rle | None = None
    box: tuple[float, ...] | None = None  # x, y, w, h
    by: tuple[str, ...] = ()
    category: str | None = None
    undoes: int | None = None  # the seq of the entry that no longer stands
    size: int | None = None  # of an audit's sample
    seed: int | None = None  # likewise

    def line(self) -> bytes:
        """Write it as the file has it."""
        values = asdict(self)
        for key in _OPTIONAL:
            if not values[key] and values[key] != 0:
                del values[key]
        return json.dumps(values, separators=(",", ":")).encode() + b"\n"


@dataclass
class Log:
    """A verdicts file that was read."""

    header: dict[str, Any] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    whole: int = 0  # bytes up to the end of the last whole line
    torn: int = 0  # bytes after it


def read_verdicts(path: Path) -> Log:
    """Read a verdicts file; one that is not there has no entries. What is torn off is left out."""
    try:
        if path.exists() and not path.is_file():
            raise _no_file(path)
        content = path.read_bytes()
    except FileNotFoundError:
        return Log()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    return _parse(path, content)


def _parse(path: Path, content: bytes) -> Log:
    whole = content.rfind(b"\n") + 1
    log = Log(whole=whole, torn=len(content) - whole)
    lines = content[:whole].split(b"\n")[:-1]
    if not lines and content and not _begins_header(content):
        raise _foreign(path, content)
    for number, line in enumerate(lines, 1):
        value = _object(path, number, line)
        if number == 1:
            log.header = _header(path, line, value)
        else:
            log.entries.append(_entry(path, number, line, value, log.entries))
    return log


def _begins_header(content: bytes) -> bool:
    """Tell whether a file without a whole line may be one whose first write was cut short."""
    start = f'{{"{_MARK}":'.encode()
    return content.startswith(start) or start.startswith(content)


def _object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise _foreign(path, line) if number == 1 else _broken(path, number, line)
    return value


def _header(path: Path, line: bytes, value: dict[str, Any]) -> dict[str, Any]:
    if _MARK not in value:
        raise _foreign(path, line)
    if value[_MARK] != _VERSION:
        raise InputError(
            f"{path}: this verdicts file is of form {value[_MARK]!r}, this boxmask knows "
            f"{_VERSION}; use the boxmask that wrote it, or give another --verdicts."
        )
    return value


def _entry(path: Path, number: int, line: bytes, value: dict[str, Any], had: list[Entry]) -> Entry:
    try:
        entry = Entry(
            **(value | {"by": tuple(value.get("by", ())), "box": _tuple(value.get("box"))})
        )
        sound = (
            type(entry.seq) is int
            and entry.seq > (had[-1].seq if had else 0)
            and (type(entry.row) in (int, str) or (entry.row is None and entry.verdict == "audit"))
            and isinstance(entry.id, int | float | str | None)
            and all(type(text) is str for text in (entry.at, entry.client, *entry.by))
            and _are(str, entry.image, entry.mask, entry.category)
            and _are(int, entry.undoes, entry.size, entry.seed)
            and entry.verdict in KINDS
            and (entry.verdict != "undo" or type(entry.undoes) is int)
            and ((entry.rle is not None) == (entry.verdict in ("corrected", "drawn")))
            and (entry.rle is None or _is_mask(entry.rle))
        )
    except (TypeError, ValueError, KeyError, OverflowError, InputError):
        sound = False
    if not sound:
        raise _broken(path, number, line)
    return entry


def _are(kind: type, *values: object) -> bool:
    """Tell whether values, as far as there are any, are of a kind."""
    return all(value is None or type(value) is kind for value in values)


def _is_mask(rle: Rle) -> bool:
    """Tell whether a value is a mask as it is kept; InputError, TypeError or ValueError if not."""
    height, width = rle["size"]
    return to_rle(rle, width=width, height=height) == rle


def _tuple(value: Any) -> tuple[float, ...] | None:
    return None if value is None else tuple(map(float, value))


def _no_file(path: Path) -> InputError:
    return InputError(f"{path}: this is no ordinary file; give another --verdicts.")


def _foreign(path: Path, line: bytes) -> InputError:
    shown = line[:60].decode("utf-8", "replace")
    return InputError(
        f"{path}: this is no verdicts file, it begins {shown!r}; it is left as it is. Give another "
        "--verdicts."
    )


def _broken(path: Path, number: int, line: bytes) -> InputError:
    shown = line[:60].decode("utf-8", "replace")
    return InputError(
        f"{path}, line {number}: this is no verdict: {shown!r}. Mend or remove that line; nothing "
        "was changed."
    )


class VerdictLog:
    """The verdicts file of a running review: held by one process, appended to line by line."""

    def __init__(self, path: Path, handle: int, log: Log) -> None:
        self.path = path
        self.read = log
        self._handle = handle
        self._size = log.whole
        self._seq = log.entries[-1].seq if log.entries else 0

    @classmethod
    def open(cls, path: Path, *, file: str, annotations: int) -> "VerdictLog":
        """Open a verdicts file, or make it; cut off what a power cut has left of a last line."""
        handle = _open_locked(path)
        try:
            log = read_verdicts(path)
            if log.torn:
                os.ftruncate(handle, log.whole)
            opened = cls(path, handle, log)
            if not log.header:
                header = {_MARK: _VERSION, "file": file, "annotations": annotations}
                opened._write(json.dumps(header, separators=(",", ":")).encode() + b"\n")
                sync_folder(path.absolute().parent)
        except BaseException:
            os.close(handle)
            raise
        return opened

    @property
    def next_seq(self) -> int:
        """The number that the next entry gets."""
        return self._seq + 1

    def append(self, **values: Any) -> Entry:
        """Write an entry; when this returns it is on the disk."""
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        entry = Entry(seq=self.next_seq, at=at, **values)
        self._write(entry.line())
        self._seq = entry.seq
        return entry

    def _write(self, line: bytes) -> None:
        """Append a line whole or not at all."""
        try:
            written = os.write(self._handle, line)
            if written < len(line):
                raise OSError(28, "the disk is full")
            os.fsync(self._handle)
        except OSError as error:
            os.ftruncate(self._handle, self._size)
            raise RunError(
                f"{self.path}: the verdict could not be saved: {error.strerror}. Make room and "
                "judge it again; all before it are saved."
            ) from error
        self._size += len(line)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)


def _open_locked(path: Path) -> int:
    if path.exists() and not path.is_file():  # a pipe would never end
        raise _no_file(path)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise RunError(
            f"{path}: verdicts cannot be written here: {error.strerror}. Give another --verdicts."
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise RunError(
            f"{path}: another boxmask review has these verdicts open. Use its page, end it with "
            "Ctrl-C first, or give another --verdicts."
        ) from None
    return handle


def standing(entries: list[Entry]) -> Iterator[Entry]:
    """Yield what was not undone, in order, without the undoing itself."""
    undone: set[int] = set()
    for entry in reversed(entries):  # what undoes an undoing comes after it
        if entry.undoes is not None and entry.seq not in undone:
            undone.add(entry.undoes)
    yield from (entry for entry in entries if entry.undoes is None and entry.seq not in undone)
