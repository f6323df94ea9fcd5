"""The command `boxmask show`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from boxmask.cli.image_folder import ImagesOf, found_images
from boxmask.cli.options import BBox
from boxmask.cli.printing import Quiet, counted, say
from boxmask.formats import ReadOptions

if TYPE_CHECKING:
    from boxmask.show import Shown


def show(
    file: Annotated[
        Path, typer.Argument(help="What annotate wrote, or any box file.", show_default=False)
    ],
    images: ImagesOf = None,
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
    from boxmask.show import Show
    from boxmask.show import show as draw

    shown = draw(
        Show(
            file=file,
            images=images or found_images(file, ReadOptions(bbox=bbox), quiet=quiet),
            out=out,
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
    )
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
