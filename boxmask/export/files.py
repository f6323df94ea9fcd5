"""The files of an export: one for each image, under names that never collide, written whole."""

import io
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import BinaryIO

from PIL import Image

from boxmask.durable import gzipped, write_durably
from boxmask.errors import InputError
from boxmask.export import Finished
from boxmask.images import relative_name
from boxmask.ours import Ledger

_LONGEST = 255  # bytes, on all common file systems


def names_for(file_names: Sequence[str], suffix: str, *, flat: bool = False) -> list[str | None]:
    """Return a file name for each image, None where there can be none.

    The image's folders are kept, so that equal stems in two folders stay apart; `flat` leaves them
    out if all stems differ. There is none for an image whose name leaves the image folder, or is
    too long for a file or none that a file can have.
    """
    full = [_renamed(relative_name(name), suffix) for name in file_names]
    if flat:
        short = [PurePath(name).name if name is not None else None for name in full]
        if not _repeated(short):
            return short
    for name in _repeated(full):
        both = [file_names[place] for place, other in enumerate(full) if other == name]
        if both[0] == both[1]:
            raise InputError(f"two images have the file {both[0]!r}; remove or rename one of them.")
        raise InputError(
            f"{both[0]!r} and {both[1]!r} would both be written as {name!r}; rename one of them."
        )
    return full


def own_names(finished: Finished) -> list[str]:
    """Return the name of each image below the folder of images, full paths into it cut short."""
    names = finished.dataset.file_names
    return [relative_name(name, finished.images) or name for name in names]


def write_whole(ledger: Ledger, path: Path, content: bytes) -> None:
    """Write a file that is either absent or complete, and make its folders."""
    with ledger.replacing(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def replace_text(ledger: Ledger, path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears under its name when it is whole, compressed if it ends in .gz."""
    with (
        ledger.replacing(path) as temporary,
        write_durably(temporary) as stream,
        gzipped(stream, path.suffix == ".gz") as text,
    ):
        yield text


def png_bytes(image: Image.Image) -> bytes:
    """Encode an image as PNG."""
    stream = io.BytesIO()
    image.save(stream, "png")
    return stream.getvalue()


def remove_stale(
    ledger: Ledger, folder: Path, names: Sequence[str | None], written: set[str]
) -> None:
    """Remove what an earlier run wrote for images that have no file in this one."""
    stale = {name for name in names if name is not None} - written
    for path in list(folder.rglob("*")):
        if str(path.relative_to(folder)) in stale:
            ledger.remove(path)


def _renamed(name: str | None, suffix: str) -> str | None:
    if name is None or not PurePath(name).name:
        return None
    renamed = PurePath(name).with_suffix(suffix)
    return str(renamed) if all(map(_is_possible, renamed.parts)) else None


def _is_possible(part: str) -> bool:
    """Tell whether a file can be called so; names in a dataset need not be those of files."""
    try:
        return len(os.fsencode(part)) <= _LONGEST
    except UnicodeEncodeError:
        return False


def _repeated(names: Sequence[str | None]) -> list[str]:
    return [name for name, count in Counter(names).items() if name is not None and count > 1]
