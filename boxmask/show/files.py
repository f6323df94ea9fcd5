"""Picture files that say that they were made here, so that they may be replaced."""

import io
import os
from collections.abc import Set
from pathlib import Path, PurePath

from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from boxmask.durable import replace_file
from boxmask.errors import ConfigError
from boxmask.images import relative_name
from boxmask.overlay import Pixels

SUFFIXES = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}
_MADE = "boxmask show"  # written into each picture


def check_free(path: Path, fresh: bool) -> None:
    """Refuse to replace a file that was not made here, unless that is wished."""
    if path.exists() and not fresh and not _made_here(path):
        raise ConfigError(
            f"{path} is there already and was not made by boxmask show; give another --out, or "
            "--fresh to replace it."
        )


def check_not_read(path: Path, read: Set[str]) -> None:
    """Refuse to replace a file, by its real path, that is drawn from, whatever is wished."""
    if os.path.realpath(path) in read:
        raise ConfigError(f"{path}: is drawn from, and would be written over; give another --out.")


def _made_here(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            marks = image.info.get("comment"), image.info.get("Software")
    except (OSError, UnidentifiedImageError, ValueError):
        return False
    return _MADE in marks or _MADE.encode() in marks


def write(path: Path, pixels: Pixels) -> None:
    """Write a picture (H, W, 3), whole or not at all."""
    stream = io.BytesIO()
    picture = Image.fromarray(pixels)
    if SUFFIXES[path.suffix.lower()] == "PNG":
        text = PngInfo()
        text.add_text("Software", _MADE)
        picture.save(stream, "PNG", pnginfo=text)
    else:
        picture.save(stream, "JPEG", quality=88, comment=_MADE)
    with replace_file(path) as file:
        file.write(stream.getvalue())


def picture_name(file_name: str, rank: int | None) -> str:
    """Name a picture in a folder after its image; a close-up by its rank as well."""
    name = relative_name(file_name) or ""  # an image that could be opened has one
    if PurePath(name).suffix.lower() not in (".jpg", ".jpeg"):
        name += ".jpg"
    return name if rank is None else f"{rank:04}-{PurePath(name).name}"
