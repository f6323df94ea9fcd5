"""From a file name in a dataset to an opened image: everything that is known before decoding."""

import io
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from boxmask.faults import ImageFault
from boxmask.remote import MAX_BYTES, FetchError, Folder, Url, fetch

_pillow_limit = threading.Lock()


def relative_name(file_name: str, folder: Folder | None = None) -> str | None:
    """Return the name with its `..` resolved, or None where it would leave the image folder.

    A full path or a URL is one that leaves it, unless the folder is given and it begins with that.

    Only the text counts. Links inside the folder are followed, wherever they lead: the owner of
    the folder put them there, and a dataset file cannot make one. The `..` must be gone before
    the name is opened, since `link/..` is another folder for the system than for the reader.
    """
    if isinstance(folder, Url):
        file_name, folder = folder.below(file_name) or file_name, None
    name = os.path.normpath(file_name)
    pure = PurePath(name)
    if pure.anchor and folder is not None:
        for whole in (folder.absolute(), Path(os.path.realpath(folder))):
            if pure.is_relative_to(os.path.normpath(whole)):
                pure = pure.relative_to(os.path.normpath(whole))
                name = str(pure)
                break
    if pure.anchor or "\0" in name or pure.parts[:1] == (os.pardir,):
        return None
    return name


@contextmanager
def open_image(folder: Folder, file_name: str, max_pixels: int) -> Iterator[Image.Image]:
    """Open an image of the folder and check its header; no pixel is decoded yet."""
    name = relative_name(file_name, folder)
    if name is None:
        detail = f"{file_name!r} is not below it; give the folder that all images are in"
        raise ImageFault("file name leaves the image folder", folder, detail)
    path = folder / name
    with _open_file(folder, name) as file, _identify(file, path) as image:
        width, height = image.size
        if width * height > max_pixels:
            detail = f"{width} x {height} is more than {max_pixels}; raise the limit to use it"
            raise ImageFault("image has too many pixels", path, detail)
        yield image


def _open_file(folder: Folder, name: str) -> BinaryIO:
    if isinstance(folder, Url):
        return _fetched(folder, name)
    path = folder / name
    try:
        status = path.stat()
        # Asked before opening, because opening a pipe would wait for a writer for ever.
        if not stat.S_ISREG(status.st_mode):
            raise ImageFault("image missing", path, "this is not a file")
        if not status.st_size:
            raise ImageFault("image empty", path, "the file has no bytes")
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError, UnicodeEncodeError) as error:
        # A name with half a surrogate pair, which JSON can hold, is one that no file can have.
        raise ImageFault("image missing", path, "there is no such file") from error
    except OSError as error:
        raise ImageFault("image cannot be read", path, error.strerror or str(error)) from error


def _fetched(folder: Url, name: str) -> BinaryIO:
    path = folder / name
    try:
        content = fetch(folder, name)
    except (FileNotFoundError, IsADirectoryError, UnicodeError) as error:
        raise ImageFault("image missing", path, "there is no such file") from error
    except PermissionError as error:
        raise ImageFault("image cannot be read", path, str(error)) from error
    except FetchError as error:
        raise ImageFault("image could not be fetched", path, str(error)) from error
    if not content:
        raise ImageFault("image empty", path, "the file has no bytes")
    if len(content) >= MAX_BYTES:
        raise ImageFault("image cannot be read", path, f"it has {MAX_BYTES} bytes or more")
    return io.BytesIO(content)


def _identify(file: BinaryIO, path: Path | Url) -> Image.Image:
    try:
        with _without_pillow_limit():
            return Image.open(file)
    except UnidentifiedImageError as error:
        raise ImageFault("not an image", path, "no known format starts like this") from error
    except MemoryError:
        raise
    except Exception as error:  # a broken header makes a plugin raise almost anything
        raise ImageFault("image truncated or damaged", path, str(error)) from error


@contextmanager
def _without_pillow_limit() -> Iterator[None]:
    """Lift Pillow's own limit on pixels, a global, while a header is read: ours is an option."""
    with _pillow_limit:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit
