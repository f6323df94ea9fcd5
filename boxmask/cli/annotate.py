"""The command `boxmask annotate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from boxmask.annotate.delivery import places_of
from boxmask.annotate.job import (
    AnnotateJob,
    Choice,
    Decode,
    EngineName,
    Precision,
    Rectangles,
    Runtime,
    parse_tightness,
)
from boxmask.arenas import share_arenas
from boxmask.cli.exit_status import ExitStatus, exit_if_short
from boxmask.cli.exports import chosen_exports, chosen_options, with_export_options
from boxmask.cli.image_folder import ImagesAt, found_images, require_place
from boxmask.cli.options import (
    Alias,
    BBox,
    Classes,
    Format,
    GenomeCategories,
    ImagesJson,
    InCategory,
    Limit,
    Metadata,
    OfImage,
    Threads,
)
from boxmask.cli.printing import AsJson, Quiet, print_json, say
from boxmask.formats import ReadOptions
from boxmask.remote import folder_of
from boxmask.store import fetched
from boxmask.subset import Subset

if TYPE_CHECKING:
    from boxmask.annotate.events import Estimate, Summary

_STOPPED = "stopped; the same command (without --fresh) goes on with the shards that are finished"


@with_export_options
def annotate(
    boxes: Annotated[
        str, typer.Argument(help="The box file, its URL, or folder of them.", show_default=False)
    ],
    out: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            metavar="PATH",
            help="The output or its URL; .gz compresses it.",
            show_default=False,
        ),
    ],
    images: ImagesAt = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="Weights of the network.", show_default="the bundled model"),
    ] = AnnotateJob.weights,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start again; replace an output that is there.")
    ] = AnnotateJob.fresh,
    state: Annotated[
        Path | None,
        typer.Option(help="Folder for an --out by URL.", show_default="by its name"),
    ] = None,
    format: Format = ReadOptions.format,
    images_json: ImagesJson = ReadOptions.images_json,
    metadata: Metadata = ReadOptions.metadata,
    min_conf: Annotated[
        float, typer.Option(help="MegaDetector: skip weaker detections.")
    ] = ReadOptions.min_conf,
    vg_categories: GenomeCategories = ReadOptions.vg_categories,
    vg_alias: Alias = ReadOptions.vg_alias,
    classes: Classes = ReadOptions.classes,
    bbox: BBox = ReadOptions.bbox,
    limit: Limit = None,
    category: InCategory = None,
    image: OfImage = None,
    flip: Annotated[
        bool, typer.Option("--flip", help="Look twice, once mirrored: better, half as fast.")
    ] = AnnotateJob.flip,
    tightness: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="How far off box sides are: exact, a FRACTION or auto.",
        ),
    ] = str(AnnotateJob.tightness),
    neighbours: Annotated[
        Choice,
        typer.Option(metavar="HOW", help="Show the network the other boxes: on, off or auto."),
    ] = AnnotateJob.neighbours,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Make masks anew where there are some.")
    ] = AnnotateJob.overwrite,
    rectangles: Annotated[
        Rectangles,
        typer.Option(
            metavar="HOW",
            help="Masks that are just the box: predict, keep or auto.",
        ),
    ] = AnnotateJob.rectangles,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first record that cannot be used.")
    ] = AnnotateJob.strict,
    max_skipped: Annotated[
        int | None, typer.Option(min=0, help="Exit with status 3 if more are skipped.")
    ] = None,
    polygons: Annotated[
        bool, typer.Option("--polygons", help="Polygons along pixel edges, not run lengths.")
    ] = AnnotateJob.polygons,
    tolerance: Annotated[
        float | None,
        typer.Option(
            help="Polygons of few vertices, at most so many pixels off.", show_default=False
        ),
    ] = AnnotateJob.tolerance,
    max_vertices: Annotated[
        int | None,
        typer.Option(help="At most so many vertices a mask.", show_default=False),
    ] = AnnotateJob.max_vertices,
    tighten: Annotated[
        bool,
        typer.Option("--tighten", help="bbox becomes the mask's tight box; the old one is kept."),
    ] = AnnotateJob.tighten,
    exif: Annotated[
        Literal["auto", "stored", "rotated"],
        typer.Option(metavar="HOW", help="Which way up: stored, rotated or auto (by the size)."),
    ] = AnnotateJob.exif,
    max_pixels: Annotated[
        int, typer.Option(help="Skip images of more pixels.")
    ] = AnnotateJob.max_pixels,
    decode: Annotated[
        Decode,
        typer.Option(
            metavar="HOW", help="auto (large JPEGs at 1/2 to 1/8 if that will do) or full."
        ),
    ] = AnnotateJob.decode,
    device: Annotated[
        str, typer.Option(help="cpu, cuda, cuda:1, mps or auto.")
    ] = AnnotateJob.device,
    precision: Annotated[
        Precision,
        typer.Option(metavar="HOW", help="fp32, bf16, fp16 or auto (bf16 on CUDA, else fp32)."),
    ] = AnnotateJob.precision,
    runtime: Annotated[
        Runtime,
        typer.Option(metavar="HOW", help="torch, openvino or auto (openvino on CPUs)."),
    ] = AnnotateJob.runtime,
    batch_images: Annotated[
        int, typer.Option(help="Images at once, if the network sees them whole.")
    ] = AnnotateJob.batch_images,
    batch_boxes: Annotated[int, typer.Option(help="Boxes at once.")] = AnnotateJob.batch_boxes,
    shard_boxes: Annotated[
        int, typer.Option(help="Boxes of a shard: what a killed run loses.")
    ] = AnnotateJob.shard_boxes,
    engine: Annotated[
        EngineName, typer.Option(metavar="HOW", help="local, or ray for a Ray cluster.")
    ] = AnnotateJob.engine,
    ray_address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="The cluster, as Ray writes it.",
            show_default="RAY_ADDRESS",
        ),
    ] = AnnotateJob.ray_address,
    workers: Annotated[
        int, typer.Option(help="Processes that share the cores or the GPUs.")
    ] = AnnotateJob.workers,
    threads: Threads = AnnotateJob.threads,
    decoders: Annotated[
        int, typer.Option(help="Threads that read images and write masks.")
    ] = AnnotateJob.decoders,
    quiet: Quiet = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            help="Also tell the runtime, and the first that were skipped.",
        ),
    ] = False,
    as_json: AsJson = False,
    **exports: Any,
) -> None:
    """Give every box of a dataset a mask, and each mask the IoU to expect of it.

    Every annotation is in the output once, in order, with all its own keys. Killed at any moment,
    the same command goes on where it stopped and writes the same bytes.
    """
    reading = ReadOptions(
        format=format,
        images_json=images_json,
        metadata=metadata,
        min_conf=min_conf,
        vg_categories=vg_categories,
        vg_alias=vg_alias,
        classes=classes,
        bbox=bbox,
    )
    require_place(images, boxes)
    with fetched(boxes) as box_file:
        job = AnnotateJob(
            boxes=box_file,
            images=folder_of(images) if images else found_images(box_file, reading, quiet=quiet),
            **places_of(folder_of(out), chosen_exports(exports), state, boxes=folder_of(boxes)),
            weights=weights,
            reading=reading,
            subset=Subset(limit=limit, category=tuple(category or ()), image=tuple(image or ())),
            flip=flip,
            tightness=parse_tightness(tightness),
            neighbours=neighbours,
            overwrite=overwrite,
            rectangles=rectangles,
            strict=strict,
            polygons=polygons,
            tolerance=tolerance,
            max_vertices=max_vertices,
            tighten=tighten,
            export_options=chosen_options(exports),
            exif=exif,
            max_pixels=max_pixels,
            decode=decode,
            device=device,
            precision=precision,
            runtime=runtime,
            batch_images=batch_images,
            batch_boxes=batch_boxes,
            shard_boxes=shard_boxes,
            engine=engine,
            ray_address=ray_address,
            workers=workers,
            threads=threads,
            decoders=decoders,
            fresh=fresh,
        )
        if job.delivery is not None and not quiet:
            say(f"state: {job.out.parent}", err=True)
        result = _run(job, quiet=quiet, dry_run=dry_run)
    from boxmask.cli.annotate_tables import print_result

    if as_json:
        print_json(result)
    elif not quiet:
        print_result(result, verbose=verbose)
    exit_if_short(result.shortage, skipped=result.skipped_count, max_skipped=max_skipped)


def _run(job: AnnotateJob, *, quiet: bool, dry_run: bool) -> "Summary | Estimate":
    """Run a job, or estimate it, and show how far it is."""
    share_arenas()
    from boxmask.cli.progress import show_progress

    try:
        with show_progress(quiet=quiet) as on_event:
            if dry_run:
                from boxmask.annotate.estimate import estimate

                return estimate(job, on_event)
            from boxmask.annotate.run import annotate as run

            return run(job, on_event)
    except KeyboardInterrupt:
        say(_STOPPED, err=True)
        raise typer.Exit(ExitStatus.INTERRUPTED) from None
