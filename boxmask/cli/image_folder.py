"""Where the images are if --images does not say so, for every command that looks at them."""

from pathlib import Path
from typing import Annotated

import typer

from boxmask.cli.printing import say
from boxmask.errors import ConfigError
from boxmask.formats import ReadOptions
from boxmask.remote import Url, folder_of

LOOKED_FOR = "near the file"
ImagesOf = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="Folder in which file names begin.", show_default=LOOKED_FOR),
]
ImagesAt = Annotated[
    str | None,
    typer.Option(
        metavar="PATH", help="Folder or URL in which file names begin.", show_default=LOOKED_FOR
    ),
]


def require_place(images: object, file: str) -> None:
    """Raise ConfigError where nothing is said of the images of a file that has a URL."""
    if images is None and isinstance(folder_of(file), Url):
        raise ConfigError(f"{file}: where its images are has to be said: add --images.")


def found_images(file: Path, reading: ReadOptions, *, quiet: bool) -> Path:
    """Look for the images of a box file, and say where they are."""
    from boxmask.image_folder import find_image_folder

    folder = find_image_folder(file, reading)
    if not quiet:
        say(f"images: {folder}", err=True)
    return folder
