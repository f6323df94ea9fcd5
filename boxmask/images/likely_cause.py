"""Why images are not where they were looked for: what a look around the folder tells."""

import os
import re
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path, PurePath, PureWindowsPath

from boxmask.remote import Folder, Url

_FOLDERS = 200  # beside each other that are looked into
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def likely_cause(folder: Folder, names: Sequence[str]) -> str:
    """Say in a sentence why no files of these names are in the folder; "" if nothing tells."""
    if isinstance(folder, Url):
        return ""  # it cannot be looked into
    names = [name for name in names if PurePath(name).is_absolute() or not _is_file(folder, name)]
    for cause in _CAUSES:
        found = [sentence for name in names if (sentence := cause(folder, name))]
        if found and 2 * len(found) >= len(names):
            return found[0]
    return ""


def _url(folder: Path, name: str) -> str:
    if not _URL.match(name):
        return ""
    return (
        f"The file names are URLs ({name}): give --images what they all begin with, or download "
        "the images and write names of files below --images."
    )


def _full_path(folder: Path, name: str) -> str:
    if not PurePath(name).is_absolute():
        return ""
    return f"The file names are full paths ({name}), and not below {folder}: give their folder."


def _backslashes(folder: Path, name: str) -> str:
    if "\\" not in name or not _is_file(folder, PureWindowsPath(name).as_posix()):
        return ""
    return f"The file names have backslashes ({name}): with / in their place the files are there."


def _one_level_down(folder: Path, name: str) -> str:
    with os.scandir(folder) as entries:
        below = sorted(entry.name for entry in islice(entries, 10_000) if _is_folder(entry))
    for inner in below[:_FOLDERS]:
        if _is_file(folder / inner, name):
            return f"{name} is in {folder / inner}: give --images {folder / inner}."
    return ""


def _one_level_up(folder: Path, name: str) -> str:
    above = folder.absolute().parent
    return f"{name} is in {above}: give --images {above}." if _is_file(above, name) else ""


def _without_folders(folder: Path, name: str) -> str:
    bare = PurePath(name).name
    if bare == name or not _is_file(folder, bare):
        return ""
    return (
        f"{bare} is in {folder} itself, the file name says {name}: take the folders out of the "
        "file names, or put the images into such folders."
    )


def _other_spelling(folder: Path, name: str) -> str:
    """Find a file whose name differs in upper and lower case only, or in its suffix."""
    wanted = PurePath(name)
    place = folder / wanted.parent
    if not wanted.name or not place.is_dir():
        return ""
    names = sorted(path.name for path in place.iterdir())
    there = {entry.casefold(): entry for entry in names}
    if (found := there.get(wanted.name.casefold())) and found != wanted.name:
        return f"{found} is in {place}, the file name says {wanted.name}: case counts."
    stems = {PurePath(entry).stem: entry for entry in there.values() if PurePath(entry).suffix}
    if (found := stems.get(wanted.stem)) and found != wanted.name:
        return f"{found} is in {place}, the file name says {wanted.name}: the suffix is another."
    return ""


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links
        return False


def _is_file(folder: Path, name: str) -> bool:
    try:
        return (folder / name).is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


_CAUSES: tuple[Callable[[Path, str], str], ...] = (
    _url,
    _full_path,
    _backslashes,
    _one_level_down,
    _one_level_up,
    _without_folders,
    _other_spelling,
)
