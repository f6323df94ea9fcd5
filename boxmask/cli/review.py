"""The command `boxmask review`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from boxmask.cli.image_folder import ImagesOf, found_images
from boxmask.cli.options import BBox
from boxmask.cli.printing import AsJson, counted, say
from boxmask.errors import ConfigError
from boxmask.formats import ReadOptions

if TYPE_CHECKING:
    from boxmask.review.job import ReviewJob
    from boxmask.review.server import Opened
    from boxmask.review.session import Session


def review(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[OUT]", help="What annotate wrote; without it, what was drawn."),
    ] = None,
    images: ImagesOf = None,
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
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the page.", show_default="a free one")
    ] = 0,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in the browser.")
    ] = True,
    weights: Annotated[
        Path | None,
        typer.Option(help="Weights that make masks of boxes and clicks.", show_default="bundled"),
    ] = None,
    follow_links: Annotated[
        bool, typer.Option("--follow-links", help="Also show images that links lead to elsewhere.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look at the worst masks in the browser, correct them, and tell how good the others are.

    OUT itself is never changed.
    """
    from boxmask.review.job import ReviewJob

    if images is None:
        if file is None:
            raise ConfigError("give the file to review, or --images, the folder to draw in.")
        images = found_images(file, ReadOptions(bbox=bbox), quiet=as_json)
    job = ReviewJob(
        file=file,
        images=images,
        verdicts=verdicts,
        bbox=bbox,
        fresh=fresh,
        port=port,
        open_browser=open_browser,
        weights=weights,
        follow_links=follow_links,
    )
    if [apply, audit, static].count(None) < 2:
        raise ConfigError("give only one of --static DIR, --audit N and --apply NEW.json.")
    if apply is not None:
        _apply(job, apply, as_json=as_json)
    elif audit is not None:
        _audit(job, audit, as_json=as_json)
    elif static is not None:
        _static(job, static, worst, as_json=as_json)
    else:
        _serve(job)


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


def _serve(job: "ReviewJob") -> None:
    try:
        from boxmask.review.server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn"):
            raise
        raise ConfigError(
            f'the page needs {error.name}, which is not installed: pip install "boxmask[review]"'
        ) from error
    _print_closed(serve(job, _print_opened))


def _print_opened(opened: "Opened") -> None:
    summary, log = opened.summary, opened.session.log
    images = counted(summary["images"], "image")
    if opened.job.file is None:
        say(f"{opened.job.images}: {images}")
    else:
        held = f"{counted(summary['annotations'], 'annotation')} of {images}"
        say(f"{opened.job.file}: {held}, {counted(summary['masks'], 'mask')}")
    say(f"verdicts: {log.path}{_said(opened.session)}")
    if log.read.torn:
        say(f"its last line was half written: {log.read.torn} bytes of it were cut off")
    if stale := opened.session.stale:
        say(f"{counted(stale, 'verdict')} on masks that have changed since: kept, but not counted")
    for line in opened.warnings:
        say(f"warning: {line}", err=True)
    say(f"open {opened.address}")
    say("Every verdict is saved at once. Ctrl-C ends the review.")


def _print_closed(session: "Session") -> None:
    new = session.seq - session.seq_at_start
    say(f"\n{counted(new, 'new entry')} in {session.log.path}{_said(session)}")


def _said(session: "Session") -> str:
    """Write the verdicts that stand, behind the name of their file."""
    counts = session.counts() | {"drawn": len(session.drawn)}
    said = ", ".join(f"{count:,} {verdict}" for verdict, count in counts.items() if count)
    return f" ({said})" if said else ""
