"""Files that are either absent or whole, whatever moment the machine stops at."""

import gzip
import hashlib
import mimetypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast


@contextmanager
def replace_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears under its name only when all of it is on the disk."""
    temporary = temporary_name(path)
    with write_durably(temporary) as stream:
        yield stream
    rename_durably(temporary, path)


def temporary_name(path: Path) -> Path:
    """Return where a file is written before it gets its name: a name that no user gives a file.

    It is the same in each run, so that a run takes the place of what a killed one has left, and
    short, since a file name may be as long as a file system allows.
    """
    short = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]
    return path.with_name(f".boxmask-{short}.tmp")


@contextmanager
def write_durably(path: Path) -> Iterator[BinaryIO]:
    """Open a file that is on the disk when the block ends, and gone if it fails."""
    try:
        with path.open("wb", buffering=1 << 20) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@contextmanager
def gzipped(stream: BinaryIO, wanted: bool) -> Iterator[BinaryIO]:
    """Compress what is written if that is wanted, without a name or a time inside."""
    if not wanted:
        yield stream
        return
    with gzip.GzipFile(fileobj=stream, mode="wb", filename="", mtime=0, compresslevel=6) as packing:
        yield cast(BinaryIO, packing)


def rename_durably(temporary: Path, path: Path) -> None:
    """Rename a file that is on the disk, for good."""
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames and removals in a folder last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of all files below a folder but images, in hexadecimal."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file() and not _is_image(file))
        lines = [f"{file.relative_to(path)}\0{digest(file)}\n" for file in files]
        return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _is_image(path: Path) -> bool:
    return (mimetypes.guess_type(path.name)[0] or "").startswith("image/")
