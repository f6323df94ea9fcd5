"""The command `boxmask review`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from boxmask.cli.options import BBox
from boxmask.cli.printing import AsJson
from boxmask.errors import ConfigError

if TYPE_CHECKING:
    from boxmask.review.job import ReviewJob


def review(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[OUT]", help="What annotate wrote; without it, what was drawn."),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(help="Folder in which the file names begin.", show_default=False),
    ] = None,
    verdicts: Annotated[
        Path | None,
        typer.Option(help="File of the verdicts.", show_default="OUT.verdicts.jsonl"),
    ] = None,
    apply: Annotated[
        Path | None,
        typer.Option(help="Write the dataset as the verdicts leave it to this file."),
    ] = None,
    audit: Annotated[
        int | None,
        typer.Option(min=1, help="Draw so many masks at random; say how good all are."),
    ] = None,
    static: Annotated[
        Path | None,
        typer.Option(help="Write the worst masks as a page that opens from disk to this folder."),
    ] = None,
    worst: Annotated[
        int, typer.Option(min=1, help="How many masks the page of --static shows.")
    ] = 100,
    bbox: BBox = "auto",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Replace files that review did not write.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the worst masks, apply verdicts on them, and tell how good the others are.

    OUT itself is never changed.
    """
    from boxmask.review.job import ReviewJob

    if images is None:
        raise ConfigError("give --images, the folder that the file names begin in.")
    job = ReviewJob(file, images, verdicts, bbox, fresh)
    if [apply, audit, static].count(None) != 2:
        raise ConfigError("give one of --static DIR, --audit N and --apply NEW.json.")
    if apply is not None:
        _apply(job, apply, as_json=as_json)
    elif audit is not None:
        _audit(job, audit, as_json=as_json)
    elif static is not None:
        _static(job, static, worst, as_json=as_json)


def _apply(job: "ReviewJob", out: Path, *, as_json: bool) -> None:
    from boxmask.cli.review_tables import print_applied
    from boxmask.review.apply import apply_verdicts

    applied = apply_verdicts(
        job.file, job.images, job.verdicts_file, out, bbox=job.bbox, fresh=job.fresh
    )
    print_applied(applied, as_json=as_json)


def _audit(job: "ReviewJob", size: int, *, as_json: bool) -> None:
    from boxmask.cli.review_tables import print_audit
    from boxmask.review.audit import audited

    print_audit(audited(job, size), as_json=as_json)


def _static(job: "ReviewJob", folder: Path, worst: int, *, as_json: bool) -> None:
    from boxmask.cli.review_tables import print_static
    from boxmask.review.static import write_static

    if job.file is None:
        raise ConfigError("--static shows an annotated file; name it first.")
    made = write_static(job.file, job.images, folder, worst=worst, bbox=job.bbox, fresh=job.fresh)
    print_static(made, as_json=as_json)
