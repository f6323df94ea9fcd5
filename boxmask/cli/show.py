"""The command `boxmask show`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from boxmask.cli.image_folder import ImagesAt, found_images, require_place
from boxmask.cli.options import BBox
from boxmask.cli.printing import Quiet, counted, say
from boxmask.formats import ReadOptions
from boxmask.remote import Url, folder_of
from boxmask.store import fetched

if TYPE_CHECKING:
    from boxmask.show import Shown


def show(
    file: Annotated[
        str, typer.Argument(help="What annotate wrote, or any box file.", show_default=False)
    ],
    images: ImagesAt = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="A .jpg or .png: one contact sheet. A folder: one picture an image.",
            show_default="FILE.jpg",
        ),
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(help="Images by file name, pattern or id; repeatable."),
    ] = None,
    id: Annotated[
        list[str] | None,
        typer.Option(help="This annotation by itself, close up; repeatable."),
    ] = None,
    worst: Annotated[
        int | None,
        typer.Option(min=1, help="The masks of the lowest expected IoU, close up."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="At most so many.", show_default="24 on a sheet, else all"),
    ] = None,
    bbox: BBox = "auto",
    boxes: Annotated[bool, typer.Option(help="Draw the boxes.")] = True,
    labels: Annotated[
        Literal["iou", "class", "both", "none"],
        typer.Option(
            metavar="WHAT", help="Write at a box: iou (the expected one), class, both, none."
        ),
    ] = "iou",
    captions: Annotated[bool, typer.Option(help="Write the file name below.")] = True,
    height: Annotated[
        int | None,
        typer.Option(
            min=16,
            max=20000,
            help="Height of each picture in pixels.",
            show_default="260 on a sheet, else as stored",
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Replace a file that show did not make.")
    ] = False,
    quiet: Quiet = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="List all images that are left out.")
    ] = False,
) -> None:
    """Draw masks over their images: a contact sheet, or one picture an image.

    Pictures that show made are replaced without asking, other files never.
    """
    from boxmask.show import Show, picture_of
    from boxmask.show import show as draw

    require_place(images, file)
    place = folder_of(file)
    with fetched(place) as path:
        reading = ReadOptions(bbox=bbox)
        job = Show(
            file=path,
            images=folder_of(images) if images else found_images(path, reading, quiet=quiet),
            out=out or picture_of(Path(place.name) if isinstance(place, Url) else path),
            only=tuple(image or ()),
            ids=tuple(id or ()),
            worst=worst,
            limit=limit,
            bbox=bbox,
            boxes=boxes,
            labels=labels,
            captions=captions,
            height=height,
            fresh=fresh,
        )
        shown = draw(job)
    what = "close-up" if id or worst is not None else "image"
    if not quiet:
        _print(shown, what)
    for reason, count in shown.faults.items():
        say(f"{counted(count, what)} left out: {reason}", err=quiet)
    if shown.details and not verbose:
        say(f"the first: {shown.details[0]}", err=quiet)
    for detail in shown.details if verbose else ():
        say(f"  {detail}", err=quiet)


def _print(shown: "Shown", what: str) -> None:
    say(f"{shown.out}: {counted(shown.pictures, what)}, {counted(shown.masks, 'mask')}")
    if shown.left:
        say(f"{shown.left:,} more are not shown; --limit shows more")
