"""The options of reading a box file, for every command that reads one."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from boxmask.formats import FORMATS, BoxForm

*_FIRST, _LAST = FORMATS
Format = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help=f"{', '.join(_FIRST)} or {_LAST}.", show_default="by the content"
    ),
]
ImageFolder = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the images, if the format needs it.", show_default="that of the boxes"
    ),
]
ImagesJson = Annotated[
    Path | None,
    typer.Option(help="Visual Genome: image_data.json.", show_default="beside the box file"),
]
Metadata = Annotated[
    Path | None,
    typer.Option(help="MegaDetector: COCO-Camera-Traps JSON of the images."),
]
GenomeCategories = Annotated[
    Literal["synset", "coco", "name"],
    typer.Option(metavar="HOW", help="Visual Genome: categories by synset, coco, name."),
]
Alias = Annotated[
    Path | None,
    typer.Option(help="Visual Genome: object_alias.txt, for names."),
]
Limit = Annotated[
    int | None,
    typer.Option(min=1, help="Only the first so many images.", show_default="all"),
]
InCategory = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Only boxes of this category; repeatable.")
]
OfImage = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Only images of this name, or pattern; repeatable."),
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, help="CPU threads of the network.", show_default="idle cores"),
]
BBox = Annotated[
    BoxForm,
    typer.Option(
        metavar="FORM",
        help="COCO: xywh, xyxy, cxcywh or normalised (-xyxy, -cxcywh); turned boxes: xywh or "
        "cxcywh with -cw or -ccw and -degrees or -radians, or segmentation.",
    ),
]
Classes = Annotated[int, typer.Option(min=1, help="Visual Genome: how many categories.")]
