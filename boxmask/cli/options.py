"""The options of reading a box file, for every command that reads one."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from boxmask.formats import FORMATS, BoxForm

*_FIRST, _LAST = FORMATS
Format = Annotated[
    str | None,
    typer.Option(help=f"{', '.join(_FIRST)} or {_LAST}.", show_default="by the content"),
]
ImageFolder = Annotated[
    Path | None,
    typer.Option(
        help="Folder that image names are looked up in, where the format needs that.",
        show_default="that of the boxes",
    ),
]
ImagesJson = Annotated[
    Path | None,
    typer.Option(help="Visual Genome: image_data.json.", show_default="beside the box file"),
]
Metadata = Annotated[
    Path | None,
    typer.Option(help="MegaDetector: COCO-Camera-Traps JSON with the images' names and sizes."),
]
GenomeCategories = Annotated[
    Literal["synset", "coco", "name"],
    typer.Option(help="Visual Genome: what a category is."),
]
Alias = Annotated[
    Path | None,
    typer.Option(help="Visual Genome: object_alias.txt, for categories by name."),
]
Limit = Annotated[
    int | None,
    typer.Option(min=1, help="Only the first so many images.", show_default="all"),
]
InCategory = Annotated[
    list[str] | None, typer.Option(help="Only boxes of this category, by name; repeatable.")
]
OfImage = Annotated[
    list[str] | None,
    typer.Option(help="Only images with such file names: a name, or a pattern; repeatable."),
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, help="CPU threads of the network.", show_default="as many as idle cores"),
]
BBox = Annotated[
    BoxForm,
    typer.Option(
        metavar="<form>",
        help="COCO: what the numbers of a bbox are: xywh, xyxy, cxcywh, normalised (-xyxy, "
        "-cxcywh); of turned boxes cxcywh or xywh with -cw or -ccw and -degrees or -radians; or "
        "segmentation: its four corners are the box. auto: xywh, unless all boxes say otherwise.",
    ),
]
Classes = Annotated[int, typer.Option(min=1, help="Visual Genome: how many categories.")]
