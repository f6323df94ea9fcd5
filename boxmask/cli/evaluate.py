"""The command `boxmask eval`."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from boxmask.annotate.job import Choice, parse_tightness
from boxmask.bundled import find_weights
from boxmask.cli.exit_status import exit_if_short
from boxmask.cli.image_folder import ImagesOf, found_images, require_place
from boxmask.cli.options import BBox, Threads
from boxmask.cli.printing import AsJson, console, print_json, say
from boxmask.formats import ReadOptions
from boxmask.store import fetched

if TYPE_CHECKING:
    from boxmask.evaluate.job import EvaluateJob, Progress


def evaluate(
    ground_truth: Annotated[
        str, typer.Argument(help="COCO form with the true masks, or its URL.", show_default=False)
    ],
    predicted: Annotated[
        str | None,
        typer.Argument(help="COCO form with predicted masks, or a COCO results list."),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="Other predictions to compare with; repeatable."),
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(help="Compare with box, ellipse or grabcut; repeatable."),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Run a network over the true boxes: FILE, or bundled.")
    ] = None,
    bbox: BBox = "auto",
    images: ImagesOf = None,
    seen: Annotated[
        str | None,
        typer.Option(help='Seen categories: voc, non-voc, all, a file of names, or "person,dog".'),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(help="A further split, NAME=CATEGORIES; repeatable."),
    ] = None,
    page: Annotated[Path | None, typer.Option(help="Write a page with plots (HTML).")] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Keep the masks that --weights predicts in this file.")
    ] = None,
    detections: Annotated[
        bool,
        typer.Option(
            "--detections",
            help="Score found boxes and masks, by AP alone.",
        ),
    ] = False,
    loosen: Annotated[
        float, typer.Option(help="Move the sides of boxes by a normal error of so many.")
    ] = 0.0,
    loosen_seed: Annotated[int, typer.Option(help="Another seed, other moves.")] = 0,
    loosen_out: Annotated[
        Path | None,
        typer.Option(help="Write the moved boxes, without masks, here."),
    ] = None,
    tightness: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="How loose the network takes boxes to be, as in annotate; auto: as --loosen says.",
        ),
    ] = "auto",
    neighbours: Annotated[
        Choice, typer.Option(metavar="HOW", help="Show it the other boxes: on, off or auto.")
    ] = "auto",
    flip: Annotated[
        bool, typer.Option("--flip", help="Ask the network twice, once mirrored.")
    ] = False,
    device: Annotated[str, typer.Option(help="Where the network runs.")] = "auto",
    threads: Threads = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that measure.", show_default="all cores")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also the IoU and AP of each class.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Score masks against the true ones: IoU by split, calibration, mask AP, differences."""

    from boxmask.cores import core_count
    from boxmask.evaluate import run
    from boxmask.evaluate.job import EvaluateJob
    from boxmask.evaluate.report import to_json
    from boxmask.evaluate.show.page import page_text
    from boxmask.evaluate.show.page_file import check_page, write_page
    from boxmask.evaluate.show.terminal import tables

    if page is not None:
        check_page(page)
    with ExitStack() as files:

        def fetch(text: str) -> Path:
            return files.enter_context(fetched(text))

        job = EvaluateJob(
            fetch(ground_truth),
            predicted=() if predicted is None else (fetch(predicted),),
            weights=find_weights(weights) if weights else None,
            against=tuple(map(fetch, against or ())),
            baselines=tuple(dict.fromkeys(baseline or ())),
            bbox=bbox,
            images=images,
            seen=seen,
            splits=dict(_parse_split(text) for text in split or ()),
            loosen=loosen,
            loosen_seed=loosen_seed,
            loosen_out=loosen_out,
            tightness=parse_tightness(tightness),
            neighbours=neighbours,
            flip=flip,
            device=device,
            threads=threads,
            keep=keep,
            workers=workers or core_count(),
        )
        if images is None and job.looks_at_images:
            require_place(images, ground_truth)
            found_in = found_images(job.ground_truth, ReadOptions(bbox=bbox), quiet=quiet)
            job = replace(job, images=found_in)
        if detections:
            if page is not None:
                raise typer.BadParameter("--page is for masks of true boxes, not for --detections")
            _evaluate_detections(job, quiet=quiet, as_json=as_json)
            return
        with _progress(quiet=quiet) as progress:
            found = run.evaluate(job, progress)
        if page is not None:
            write_page(page, page_text(found))
        if as_json:
            say(to_json(found.report).decode())
        else:
            console().print(tables(found.report, by_class=verbose))
        exit_if_short(found.report.shortage)


def _evaluate_detections(job: "EvaluateJob", *, quiet: bool, as_json: bool) -> None:
    """Score what was found, and print it."""
    from boxmask.evaluate.detections import evaluate_detections
    from boxmask.evaluate.show.detection_table import detection_table

    with _progress(quiet=quiet) as progress:
        report = evaluate_detections(job, progress)
    if as_json:
        print_json(report)
    else:
        console().print(detection_table(report))


@contextmanager
def _progress(*, quiet: bool) -> "Iterator[Progress]":
    """Show how far an evaluation is."""
    from boxmask.annotate.events import Event, Stage
    from boxmask.cli.progress import show_progress

    with show_progress(patience=10.0, quiet=quiet) as on_event:
        yield lambda what, done, total: on_event(Event(Stage(what, what), done, total))


def _parse_split(text: str) -> tuple[str, str]:
    name, equals, categories = text.partition("=")
    if not (name and equals and categories):
        raise typer.BadParameter(f"{text!r} is not NAME=CATEGORIES", param_hint="--split")
    return name, categories
