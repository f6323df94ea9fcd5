"""The options of reading a box file, for every command that reads one.

None stands for the default of boxmask.data.ReadOptions, which is not imported for the sake of
`--help`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from boxmask.data import ReadOptions

Format = Annotated[
    str | None,
    typer.Option(help="coco, visual-genome or megadetector.", show_default="by the content"),
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
    Literal["synset", "coco", "name"] | None,
    typer.Option(help="Visual Genome: what a category is.", show_default="synset"),
]
Alias = Annotated[
    Path | None,
    typer.Option(help="Visual Genome: object_alias.txt, for categories by name."),
]
Classes = Annotated[
    int | None,
    typer.Option(min=1, help="Visual Genome: how many categories.", show_default="3000"),
]


def read_options(**given: Any) -> "ReadOptions":
    """Build the options from those that were given."""
    from boxmask.data import ReadOptions

    return ReadOptions(**{name: value for name, value in given.items() if value is not None})
