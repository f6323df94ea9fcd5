"""Objects of a store, by their URLs: what is there, files that are put there, files fetched whole.

An object appears under its name when all of it is there: such are the stores in WRITABLE.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from boxmask.errors import BoxmaskError, ConfigError, InputError, RunError
from boxmask.remote import ATTEMPTS, PATIENT, Folder, Url, folder_of, open_store, try_again

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

T = TypeVar("T")

WRITABLE = ("s3", "s3a", "gs", "gcs", "memory")
_TAGS = ("ETag", "generation")  # what stores call that which changes with an object's bytes
_CHUNK = 1 << 24


class StoreError(Exception):
    """What a store does not do, however often it is asked."""


def require_writable(url: Url) -> None:
    """Raise ConfigError unless files can be put to such URLs, and the bucket is there."""
    if url.scheme not in WRITABLE:
        known = ", ".join(f"{scheme}://" for scheme in ("s3", "gs"))
        raise ConfigError(f"{url}: cannot be written; give a path, or a URL with {known}.")
    store, path = _at(url)
    bucket, _, name = path.strip("/").partition("/")
    if not name:
        raise ConfigError(f"{url}: names a bucket alone; add the name of what is to be there.")
    if url.scheme == "memory":
        return  # its folders need not be there
    with suppress(StoreError):  # whoever may write need not be allowed to ask
        if not _asked(url, lambda: store.exists(bucket)):
            raise ConfigError(f"{url}: there is no bucket {bucket!r} that can be reached.")


def tag_of(url: Url) -> str | None:
    """Return what changes with an object, "" where the store tells none; None if nothing is there.

    What lies below the name, as in a folder, is not there under it.
    """
    store, path = _at(url)
    store.invalidate_cache()
    try:
        info = _asked(url, lambda: store.info(path))
    except FileNotFoundError:
        return None
    return None if info["type"] == "directory" else _tag(info)


def tags_below(folder: Url) -> dict[str, str]:
    """Return the tag of each object below a folder, by its name there."""
    return {name: _tag(info) for name, info in _below(folder)}


def sizes_below(folder: Url) -> dict[str, int]:
    """Return how many bytes each object below a folder has, by its name there."""
    try:
        return {name: info["size"] for name, info in _below(folder)}
    except (FileNotFoundError, StoreError) as error:
        raise InputError(f"{folder}: what lies there cannot be listed: {error}.") from error


def _below(folder: Url) -> "Iterator[tuple[str, dict[str, Any]]]":
    """Yield the objects below a folder, by their names there, with what the store says of each."""
    store, path = _at(folder)
    store.invalidate_cache()
    found = _asked(folder, lambda: store.find(path, detail=True))
    start = len(path.rstrip("/")) + 1
    yield from ((name[start:], info) for name, info in found.items() if len(name) > start)


def digest_of(url: Url) -> str:
    """Return the SHA-256 of an object, in hexadecimal."""
    store, path = _at(url)

    def read() -> str:
        content = hashlib.sha256()
        with store.open(path, "rb") as stream:
            while piece := stream.read(_CHUNK):
                content.update(piece)
        return content.hexdigest()

    return _asked(url, read)


def put(file: Path, url: Url, *, new: bool) -> None:
    """Put a file to a URL; FileExistsError if `new` and something has come to be there."""
    store, path = _at(url)

    def put_as(mode: str) -> None:
        _asked(url, lambda: store.put_file(str(file), path, mode=mode))

    try:
        put_as("create" if new else "overwrite")
    except StoreError as error:
        if not new or "notimplemented" not in str(error).lower().replace(" ", ""):
            raise
        put_as("overwrite")  # a store like S3 that knows no conditions: the look before must do


def remove(url: Url) -> None:
    """Remove an object."""
    store, path = _at(url)
    with suppress(FileNotFoundError):
        _asked(url, lambda: store.rm_file(path))


@contextmanager
def fetched(text: str | Folder) -> Iterator[Path]:
    """Yield the path of a file; what has a URL is fetched whole, and goes with the block.

    Errors about it name the URL.
    """
    place = folder_of(text) if isinstance(text, str) else text
    if isinstance(place, Path):
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="boxmask-") as folder:
        path = Path(folder) / place.name
        _fetch(place, path)
        try:
            yield path
        except BoxmaskError as error:
            raise type(error)(str(error).replace(str(path), place.text)) from error


def _fetch(url: Url, path: Path) -> None:
    store, where = _at(url)
    try:
        _asked(url, lambda: store.get_file(where, str(path)))
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputError(f"{url}: there is no such file.") from error
    except StoreError as error:
        raise RunError(f"{url}: cannot be fetched: {error}.") from error
    if not path.is_file():
        raise InputError(f"{url}: a folder; a single file can be read by its URL.")


def _asked(url: Url, ask: Callable[[], T]) -> T:
    """Ask a store; StoreError for all that it does not do, but for what is said of names."""
    attempts = 1 if url.scheme in PATIENT else ATTEMPTS
    try:
        return try_again(ask, attempts)
    except (FileNotFoundError, FileExistsError, IsADirectoryError, MemoryError):
        raise
    except Exception as error:
        why = str(error) or type(error).__name__
        raise StoreError(why if attempts == 1 else f"{why}, {attempts} times") from error


def _at(url: Url) -> "tuple[AbstractFileSystem, str]":
    """Return the store of a URL, and what that calls it."""
    store = open_store(url.root)[0]
    return store, str(store._strip_protocol(url.text))


def _tag(info: dict[str, Any]) -> str:
    return next((str(info[key]) for key in _TAGS if info.get(key)), "")
