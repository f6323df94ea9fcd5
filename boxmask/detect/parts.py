"""What is found so far, in files of some photographs each: a killed run goes on with them.

What a part holds depends on its photographs and the settings alone, so it does not matter which
run has made it.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from boxmask.annotate.plan import Setting
from boxmask.annotate.work_folder import LOCK
from boxmask.detect.found import Found
from boxmask.durable import replace_file, sync_folder
from boxmask.unreadable import UNREADABLE

SIZE = 64  # photographs
Settings = dict[str, Setting]


class _Part(msgspec.Struct):
    settings: Settings
    threads: int
    found: list[Found]


@dataclass(frozen=True)
class Parts:
    """The parts of a detection in its folder."""

    folder: Path
    settings: Settings
    photographs: int

    def __len__(self) -> int:
        return -(-self.photographs // SIZE)

    def places(self, part: int) -> range:
        """Return the photographs of a part."""
        return range(part * SIZE, min((part + 1) * SIZE, self.photographs))

    @property
    def threads(self) -> int:
        """The CPU threads that parts were made with, 0 without any: a run goes on with as many."""
        parts = (self._read(part) for part in range(len(self)))
        return next((part.threads for part in parts if part is not None), 0)

    def make(
        self,
        find: Callable[[range], Iterable[Found]],
        *,
        threads: int,
        on_done: Callable[[int], None],
    ) -> None:
        """Make the parts that are missing; `on_done` is told how many photographs are done."""
        for part in range(len(self)):
            places = self.places(part)
            if self._read(part) is None:
                made = _Part(self.settings, threads, [])
                for found in find(places):
                    made.found.append(found)
                    on_done(places.start + len(made.found))
                with replace_file(self._path(part)) as stream:
                    stream.write(msgspec.json.encode(made))
            on_done(places.stop)

    def all(self) -> Iterator[Found]:
        """Yield what was found in each photograph, in order; all parts are there."""
        for part in map(self._read, range(len(self))):
            assert part is not None
            yield from part.found

    def clear(self) -> None:
        """Remove the files of the parts."""
        for path in self.folder.glob("part-*.json"):
            path.unlink()
        sync_folder(self.folder)

    def remove(self) -> None:
        """Remove the folder, whose lock this run holds."""
        self.clear()
        (self.folder / LOCK).unlink(missing_ok=True)
        with suppress(OSError):  # the next run has begun, or somebody has put a file there
            self.folder.rmdir()

    def _read(self, part: int) -> _Part | None:
        """Read a part; None if it is not there, or of other settings."""
        try:
            read = msgspec.json.decode(self._path(part).read_bytes(), type=_Part)
        except (FileNotFoundError, *UNREADABLE):
            return None
        whole = len(read.found) == len(self.places(part))
        return read if read.settings == self.settings and whole else None

    def _path(self, part: int) -> Path:
        return self.folder / f"part-{part:06d}.json"
