"""Which file below the image folder an image of a source is."""

import os
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".avif"}
    | {".dng", ".heic", ".jp2", ".pfm", ".ppm"}
)
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # what Label Studio puts before the name of a file
_DRIVE = re.compile(r"^[A-Za-z]:")


class Photos:
    """Finds images by the names that a source gives, which may begin further up than the folder.

    train/images/a.jpg is images/a.jpg or a.jpg in a folder that is given lower down. A name without
    the ending of an image file stands for any image of that name. `inside` is the folder of the
    source itself: the image folder may be one further up.
    """

    def __init__(self, folder: Path, inside: str = "") -> None:
        self.folder, self.inside = folder, inside
        self.asked = 0
        self.missing: list[Sequence[str]] = []
        self._list = cache(self._listing)

    def find(self, names: Sequence[str]) -> str:
        """Return the path below the folder of the first of the names that is there.

        If none is, the first name itself, as that of a JPEG file if it has no ending.
        """
        self.asked += 1
        for name in (*names, *(f"{self.inside}/{name}" for name in names if self.inside)):
            parts = plain_parts(name)
            for start in range(len(parts)):
                if found := self._look_up("/".join(parts[start:-1]), parts[-1]):
                    return found
        self.missing.append(names)
        first = "/".join(plain_parts(names[0]))
        return first if is_image(first) else f"{first}.jpg"

    def looked_for(self, names: Sequence[str]) -> str:
        """Say what was looked for in vain."""
        tried = [name if is_image(name) else f"{name}.*" for name in _each_once(names)]
        return f"{', '.join(tried)} below {self.folder}"

    def _look_up(self, folder: str, name: str) -> str | None:
        files, stems = self._list(folder)
        if name not in files:
            if is_image(name) or name not in stems:
                return None
            name = stems[name]
        return f"{folder}/{name}" if folder else name

    def _listing(self, folder: str) -> tuple[frozenset[str], dict[str, str]]:
        try:
            with os.scandir(self.folder / folder) as entries:
                files = sorted(entry.name for entry in entries)
        except (OSError, ValueError):
            files = []
        return frozenset(files), {PurePosixPath(f).stem: f for f in files if is_image(f)}


def names_of_address(address: str) -> list[str]:
    """Return the names of what an address leads to, also without what an upload put before it."""
    try:
        parts = urlsplit(address)
    except ValueError:  # a bracket that is not closed
        return [address]
    path = unquote("".join(parse_qs(parts.query).get("d", [parts.path])))
    folder, _, name = path.rpartition("/")
    return [path, f"{folder}/{_UPLOADED.sub('', name)}"]


def is_image(name: str) -> bool:
    """Tell whether a name ends like that of an image file."""
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES


def plain_parts(name: str) -> list[str]:
    """Split a path of any system into its parts, without a root, a drive, `.` and `..`."""
    path = os.path.normpath(_DRIVE.sub("", name).replace("\\", "/").lstrip("/"))
    return [part for part in path.split("/") if part not in (".", "..")] or [""]


def _each_once(names: Sequence[str]) -> list[str]:
    tails = (
        "/".join(parts[start:]) for parts in map(plain_parts, names) for start in range(len(parts))
    )
    return list(dict.fromkeys(tails))
