"""The files of an export: one for each image, under names that never collide, written whole."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePath

from boxmask.errors import InputError
from boxmask.images import relative_name


def names_for(file_names: Sequence[str], suffix: str, *, flat: bool = False) -> list[str | None]:
    """Return a file name for each image, None for one whose own name leaves the image folder.

    The image's folders are kept, so that equal stems in two folders stay apart; `flat` leaves them
    out if all stems differ.
    """
    full = [_renamed(relative_name(name), suffix) for name in file_names]
    if flat:
        short = [PurePath(name).name if name is not None else None for name in full]
        if not _repeated(short):
            return short
    for name in _repeated(full):
        both = [file_names[place] for place, other in enumerate(full) if other == name]
        raise InputError(
            f"{both[0]!r} and {both[1]!r} would both be written as {name!r}; rename one of them."
        )
    return full


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is either absent or complete, and make its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _renamed(name: str | None, suffix: str) -> str | None:
    if name is None or not PurePath(name).name:
        return None
    return str(PurePath(name).with_suffix(suffix))


def _repeated(names: Sequence[str | None]) -> list[str]:
    return [name for name, count in Counter(names).items() if name is not None and count > 1]
