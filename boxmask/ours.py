"""Which files on the disk are ours: those whose digest was noted before they got their names.

Anything else at such a name is somebody's own, also what has been edited by hand since: it is
refused, and neither replaced nor removed.
"""

import hashlib
import json
import os
import stat
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from boxmask.durable import digest, temporary_name
from boxmask.errors import ConfigError, RunError


def identity(path: Path) -> str:
    """Return the digest of a file, or of where a link leads; "" if it is neither, or absent."""
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            target = b"link\0" + os.fsencode(path.readlink())
            return hashlib.sha256(target).hexdigest()
        return digest(path) if stat.S_ISREG(mode) else ""
    except FileNotFoundError:
        return ""


_Stamp = tuple[int, ...]  # what of a file changes whenever its bytes do
_known: dict[str, tuple[_Stamp, str]] = {}


def known_digest(path: Path) -> str:
    """Return the digest of a file, read again only if the file has changed since."""
    now = path.stat()
    stamp = (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)
    before = _known.get(str(path))
    if before is None or before[0] != stamp:
        _known[str(path)] = before = (stamp, digest(path))
    return before[1]


def is_there(path: Path) -> bool:
    """Tell whether anything has a name: also a pipe, a folder, or a link that leads nowhere."""
    return os.path.lexists(path)


def is_plain(path: Path) -> bool:
    """Tell whether a name is free or that of an ordinary file, which can be replaced."""
    return not is_there(path) or (path.is_file() and not path.is_symlink())


def _may_be_notes(path: Path) -> bool:
    """Tell whether a file is not there or begins as notes do, even if a kill cut that short."""
    if not is_there(path):
        return True
    with path.open("rb") as stream:
        return stream.read(2) in (b"", b"\n", b"\n[")


class Notes:
    """What is ours by name and digest, kept as lines of JSON in a file.

    A line is [what, digest, name]: "wrote", before what has that digest gets its name, or "given"
    for what was there and may be replaced, because the user said --fresh.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not is_plain(path) or not _may_be_notes(path):
            raise ConfigError(
                f"{path} is there already, and not as boxmask wrote it; rename it, or give another "
                "output."
            )
        self._found: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._lock = threading.Lock()
        for what, found, name in self._lines():
            self._found[what, name].add(found)

    def noted(self, what: str, name: str) -> set[str]:
        """Return the digests that were noted of a name."""
        return self._found.get((what, name), set())

    def note(self, what: str, found: str, name: str) -> None:
        """Note a digest, if it is one."""
        with self._lock:
            if found and found not in self.noted(what, name):
                # The line end comes first: a line that a kill has cut short spoils no other.
                with self.path.open("ab") as stream:
                    stream.write(b"\n" + json.dumps([what, found, name]).encode())
                self._found[what, name].add(found)

    def _lines(self) -> Iterator[tuple[str, str, str]]:
        """Read what was noted; a line that was cut short is none, and its file never came."""
        if not self.path.exists():
            return
        for line in self.path.read_bytes().splitlines():
            with suppress(ValueError):
                what, found, name = json.loads(line)
                yield what, found, name


class Ledger(Notes):
    """The files that exports have written, in notes beside the output.

    Names are relative to the notes' own folder, so that all may be moved together.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._home = os.path.realpath(path.parent)
        self._folders: dict[Path, Path] = {}  # where each folder really is

    def wrote(self, path: Path) -> bool:
        """Tell whether a file is byte for byte one that was written here."""
        return identity(path) in self.noted("wrote", self._name(path))

    def may_replace(self, path: Path) -> bool:
        """Tell whether a name is free, or its file one that was written here or given."""
        name = self._name(path)
        known = self.noted("wrote", name) | self.noted("given", name)
        return not is_there(path) or identity(path) in known

    def give(self, path: Path) -> None:
        """Note that what is there may be replaced."""
        if not self.may_replace(path):
            self.note("given", identity(path), self._name(path))

    def claim(self, path: Path, *, fresh: bool) -> None:
        """Raise ConfigError where a name is taken by a file that is not ours, without --fresh."""
        if fresh:
            self.give(path)
        if not self.may_replace(path):
            raise ConfigError(
                f"{path} is there already, and not as boxmask wrote it; give another name, or "
                "--fresh to replace it."
            )

    @contextmanager
    def replacing(self, path: Path) -> Iterator[Path]:
        """Yield a temporary name in the same folder, whose file gets the name when it is whole."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_name(path)
        temporary.unlink(missing_ok=True)
        try:
            yield temporary
            self.note("wrote", identity(temporary), self._name(path))
            if not self.may_replace(path):
                raise RunError(
                    f"{path} is not as this run has written it, and not replaced. Rename it to "
                    "keep it, or remove it, and run the same command again."
                )
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def remove(self, path: Path) -> None:
        """Remove a file if it was written here and is as it was written."""
        if self.wrote(path):
            path.unlink()

    def _name(self, path: Path) -> str:
        if path.parent not in self._folders:
            self._folders[path.parent] = Path(os.path.realpath(path.parent))
        return os.path.relpath(self._folders[path.parent] / path.name, self._home)
