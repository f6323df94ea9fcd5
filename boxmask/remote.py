"""Folders of images that lie elsewhere: https://, s3://, gs:// and whatever else fsspec knows."""

import functools
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

from boxmask.errors import ConfigError, RunError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

T = TypeVar("T")

_URL = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_WEB = ("http", "https")
# What is not tried again. A name with half a surrogate pair is one that no file can have.
_FINAL = (
    *(FileNotFoundError, FileExistsError, IsADirectoryError, PermissionError, UnicodeError),
    MemoryError,
)
PATIENT = ("s3", "s3a", "gs", "gcs")  # their own libraries try again, for about a minute
ATTEMPTS = 5  # with the others
FIRST_WAIT = 0.25  # seconds, then twice as long each time, about
MAX_BYTES = 1 << 30  # of one file
MAX_FAILURES = 20  # files in a row: then it is the store that cannot be reached


class FetchError(Exception):
    """A file that could not be fetched this time, though it may be there."""


@dataclass(frozen=True)
class Url:
    """A folder or a file that is named by its URL."""

    text: str

    def __str__(self) -> str:
        return self.text

    def __truediv__(self, name: str) -> "Url":
        return Url(f"{self.text}/{name}")

    @property
    def scheme(self) -> str:
        """What the URL begins with, in small letters."""
        return self.text.partition("://")[0].lower()

    @property
    def is_web(self) -> bool:
        """Whether it is read by HTTP, which tells no lists and takes no files."""
        return self.scheme in _WEB

    @property
    def root(self) -> str:
        """The URL of its server or bucket."""
        scheme, _, rest = self.text.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}"

    @property
    def name(self) -> str:
        """The last part of it, without a query."""
        path = unquote(urlsplit(self.text).path) if self.is_web else self.text
        return path.rpartition("/")[2]

    def below(self, name: str) -> str | None:
        """Return the part of a URL below this one; None if it is not below."""
        start = f"{self.text}/"
        return name[len(start) :] if name.startswith(start) else None


Folder = Path | Url


def folder_of(text: str) -> Folder:
    """Read the name of a folder as users write it, a path or a URL."""
    scheme = _URL.match(text)
    if scheme is None:
        return Path(text)
    if scheme[1].lower() == "file":
        return Path(unquote(urlsplit(text).path))
    if not text[scheme.end() :].strip("/"):
        raise ConfigError(f"{text}: names no bucket and no server.")
    try:
        urlsplit(text)
    except ValueError as error:
        raise ConfigError(f"{text}: no URL that can be read: {error}.") from error
    return Url(text.rstrip("/"))


def require_readable(folder: Url) -> None:
    """Raise ConfigError unless what reads such URLs is installed."""
    open_store(folder.text)


def fetch(folder: Url, name: str) -> bytes:
    """Return the bytes of a file of a folder, but MAX_BYTES at most.

    What _FINAL lists is said of the file. What else fails is tried again, and then a FetchError;
    or a RunError, where so many files in a row have failed that it is the store.
    """
    store, root = open_store(folder.text)
    path = f"{root}/{quote(name) if folder.is_web else name}"
    attempts = 1 if folder.scheme in PATIENT else ATTEMPTS
    try:
        content = try_again(lambda: _read(store, path), attempts)
    except _FINAL:
        raise
    except Exception as error:
        why = str(error) or type(error).__name__
        _failures.add(folder, why)
        raise FetchError(why if attempts == 1 else f"{why}, {attempts} times") from error
    _failures.clear()
    return content


def _read(store: "AbstractFileSystem", path: str) -> bytes:
    try:
        content: bytes = store.cat_file(path, start=0, end=MAX_BYTES)
    except _FINAL:
        raise
    except Exception as error:
        if getattr(error, "status", None) in (401, 403):
            raise PermissionError(str(error)) from error
        if _is_empty(store, path):
            return b""  # a range of an empty file is refused
        raise
    return content


def _is_empty(store: "AbstractFileSystem", path: str) -> bool:
    try:
        return bool(store.info(path)["size"] == 0)
    except Exception:
        return False


def try_again(read: Callable[[], T], attempts: int) -> T:
    """Do what may fail, again and again, after longer and longer waits."""
    wait = FIRST_WAIT
    for _ in range(attempts - 1):
        try:
            return read()
        except _FINAL:
            raise
        except Exception:
            time.sleep(wait * random.uniform(0.5, 1.5))
            wait *= 2
    return read()


@functools.cache
def open_store(url: str) -> "tuple[AbstractFileSystem, str]":
    """Return what reads a URL, and how that names the folder."""
    try:
        from fsspec.core import url_to_fs

        found: tuple[Any, str] = url_to_fs(url)
    except ImportError as error:
        raise ConfigError(
            f'{url}: {error}. pip install "boxmask[remote]" reads s3://, gs:// and https://.'
        ) from error
    except ValueError as error:
        raise ConfigError(f"{url}: no URL that can be read: {error}.") from error
    return found[0], found[1].rstrip("/")


class _Failures:
    """How many files in a row could not be fetched, over all threads of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def clear(self) -> None:
        with self._lock:
            self._count = 0

    def add(self, folder: Url, why: str) -> None:
        with self._lock:
            self._count += 1
            if self._count >= MAX_FAILURES:
                self._count = 0
                raise RunError(
                    f"{folder}: {MAX_FAILURES} files in a row could not be fetched, the last for: "
                    f"{why}. When it can be reached, run the same command again; it goes on with "
                    "the shards that are finished."
                )


_failures = _Failures()
