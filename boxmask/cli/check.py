"""The command `boxmask check`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from boxmask.cli.exit_status import ExitStatus
from boxmask.cli.options import (
    Alias,
    BBox,
    Classes,
    Format,
    GenomeCategories,
    ImageFolder,
    ImagesJson,
    InCategory,
    Limit,
    Metadata,
    OfImage,
)
from boxmask.cli.printing import AsJson, print_json, say
from boxmask.formats import ReadOptions
from boxmask.store import fetched
from boxmask.subset import Subset

_FIRST = 10  # places that are listed
_ALL = 1 << 62

if TYPE_CHECKING:
    from boxmask.check import CheckReport


def check(
    boxes: Annotated[str, typer.Argument(metavar="IN", help="The box file, or its URL.")],
    out: Annotated[str, typer.Argument(metavar="OUT", help="What annotate made of it.")],
    images: ImageFolder = ReadOptions.images,
    format: Format = ReadOptions.format,
    images_json: ImagesJson = ReadOptions.images_json,
    metadata: Metadata = ReadOptions.metadata,
    vg_categories: GenomeCategories = ReadOptions.vg_categories,
    vg_alias: Alias = ReadOptions.vg_alias,
    classes: Classes = ReadOptions.classes,
    bbox: BBox = ReadOptions.bbox,
    limit: Limit = None,
    category: InCategory = None,
    image: OfImage = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Only what is lost or changed.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="List all that is lost or changed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Prove that OUT holds every annotation of IN once, in order, with all its own keys.

    Only segmentation, area and boxmask may differ, and every new mask must be one of its box; after
    --tighten bbox must be the mask's tight box and boxmask hold the former one. A key of COCO that
    IN lacks may be there as null or 0. Give the reading options that annotate was given. What
    detect --complete has made of IN must be IN to the byte, with proposals behind. Exit status: 0
    nothing is lost, 4 something is.
    """
    from boxmask.check import check as compare
    from boxmask.data import read

    options = ReadOptions(
        format=format,
        images=images,
        images_json=images_json,
        metadata=metadata,
        vg_categories=vg_categories,
        vg_alias=vg_alias,
        classes=classes,
        bbox=bbox,
    )
    subset = Subset(limit=limit, category=tuple(category or ()), image=tuple(image or ()))
    with fetched(boxes) as box_file, fetched(out) as made:
        dataset = read(box_file, options)
        report = compare(dataset, made, subset=subset, shown=_ALL if verbose else _FIRST)
    if as_json:
        _print_json(report)
    else:
        if not quiet:
            _print_counts(report)
        if not report.holds:
            _print_problems(report, converted=dataset.format != "coco")
    if not report.holds:
        raise typer.Exit(ExitStatus.NOT_CONSERVED)


def _print_json(report: "CheckReport") -> None:
    summary = {"holds": report.holds, **asdict(report)}
    del summary["shown"]
    print_json(summary)


def _print_counts(report: "CheckReport") -> None:
    say(f"{report.annotations} annotations")
    for status, count in sorted(report.statuses.items()):
        say(f"  {count:>9} {status}")
    for reason, count in sorted(report.reasons.items(), key=lambda item: -item[1]):
        say(f"  {count:>9} skipped: {reason}")
    if report.rectangles:
        say(f"  {report.rectangles:>9} of the masks kept are just their box")
    if report.holds and report.untouched:
        say("Every byte of the input is as it was, and what was proposed stands behind.")
    elif report.holds:
        say("Every annotation is there once, in order, with all its keys.")


def _print_problems(report: "CheckReport", *, converted: bool) -> None:
    first = " The first of them:" if len(report.first) < report.broken else ""
    say(f"Lost or changed, in {report.broken} places.{first}")
    for line in report.first:
        say(f"  {line}")
    if converted:
        say("Were the reading options (--images, --metadata, ...) those of annotate?")
