"""The command `boxmask annotate`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from boxmask.annotate.job import Choice, Job, Precision, as_tightness
from boxmask.cli.options import Alias, Classes, Format, GenomeCategories, ImagesJson, Metadata
from boxmask.formats import ReadOptions

STOPPED = "stopped; finished shards are kept, the same command (without --fresh) goes on from there"


def annotate(
    boxes: Annotated[Path, typer.Argument(help="The box file.", show_default=False)],
    images: Annotated[
        Path, typer.Option(help="Folder in which the file names begin.", show_default=False)
    ],
    out: Annotated[
        Path, typer.Option(help="The output, in COCO form; .gz compresses it.", show_default=False)
    ],
    weights: Annotated[
        Path | None,
        typer.Option(help="Weights of the network.", show_default="the bundled model"),
    ] = Job.weights,
    format: Format = ReadOptions.format,
    images_json: ImagesJson = ReadOptions.images_json,
    metadata: Metadata = ReadOptions.metadata,
    min_conf: Annotated[
        float, typer.Option(help="MegaDetector: skip weaker detections.")
    ] = ReadOptions.min_conf,
    vg_categories: GenomeCategories = ReadOptions.vg_categories,
    vg_alias: Alias = ReadOptions.vg_alias,
    classes: Classes = ReadOptions.classes,
    flip: Annotated[
        bool, typer.Option("--flip", help="Ask twice, once mirrored: better masks, half the speed.")
    ] = Job.flip,
    tightness: Annotated[
        str,
        typer.Option(
            help="How far off the sides of the boxes are, in sides: exact, a FRACTION to 0.5, or "
            "auto (measured on a sample of them); for networks with window masks."
        ),
    ] = str(Job.tightness),
    neighbours: Annotated[
        Choice,
        typer.Option(
            help="Show such networks where the other boxes are; auto is off for Visual Genome."
        ),
    ] = Job.neighbours,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Predict anew where there is a mask already.")
    ] = Job.overwrite,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first record that cannot be used.")
    ] = Job.strict,
    max_skipped: Annotated[
        int | None, typer.Option(min=0, help="Exit with status 3 if more is skipped.")
    ] = None,
    polygons: Annotated[
        bool, typer.Option("--polygons", help="Polygons along pixel edges, not run lengths.")
    ] = Job.polygons,
    tighten: Annotated[
        bool,
        typer.Option(
            "--tighten", help="Put each new mask's tight box into bbox, keep the old one."
        ),
    ] = Job.tighten,
    index_png: Annotated[
        Path | None, typer.Option(help="Also write index PNGs, as iWildCam has them, here.")
    ] = Job.index_png,
    yolo: Annotated[
        Path | None, typer.Option(help="Also write YOLO segmentation text here.")
    ] = Job.yolo,
    exif: Annotated[
        Literal["auto", "stored", "rotated"],
        typer.Option(help="Which way up images are; auto lets the stated size decide."),
    ] = Job.exif,
    max_pixels: Annotated[int, typer.Option(help="Skip larger images.")] = Job.max_pixels,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps or auto.")] = Job.device,
    precision: Annotated[
        Precision,
        typer.Option(help="auto is bf16 on CUDA, else fp32."),
    ] = Job.precision,
    batch_images: Annotated[
        int, typer.Option(help="Images at once, for networks that see whole images.")
    ] = Job.batch_images,
    batch_boxes: Annotated[int, typer.Option(help="Boxes at once.")] = Job.batch_boxes,
    shard_boxes: Annotated[
        int, typer.Option(help="About so many boxes are lost when a run is killed.")
    ] = Job.shard_boxes,
    threads: Annotated[
        int, typer.Option(help="Threads that decode and encode beside the network.")
    ] = Job.threads,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start anew and replace an output that is there.")
    ] = Job.fresh,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, write nothing.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Give every box of a dataset a mask, and each mask the IoU to expect of it.

    Every annotation is in the output once, in order, with all its own keys. Killed at any moment,
    the same command goes on where it stopped and writes the same bytes.
    """
    job = Job(
        boxes=boxes,
        images=images,
        out=out,
        weights=weights,
        reading=ReadOptions(
            format=format,
            images_json=images_json,
            metadata=metadata,
            min_conf=min_conf,
            vg_categories=vg_categories,
            vg_alias=vg_alias,
            classes=classes,
        ),
        flip=flip,
        tightness=as_tightness(tightness),
        neighbours=neighbours,
        overwrite=overwrite,
        strict=strict,
        polygons=polygons,
        tighten=tighten,
        index_png=index_png,
        yolo=yolo,
        exif=exif,
        max_pixels=max_pixels,
        device=device,
        precision=precision,
        batch_images=batch_images,
        batch_boxes=batch_boxes,
        shard_boxes=shard_boxes,
        threads=threads,
        fresh=fresh,
    )
    try:
        skipped = _estimate(job, json) if dry_run else _run(job, json)
    except KeyboardInterrupt:
        typer.echo(STOPPED, err=True)
        raise typer.Exit(130) from None
    if max_skipped is not None and skipped > max_skipped:
        raise typer.Exit(3)


def _run(job: Job, json: bool) -> int:
    """Run the job and return how many annotations were skipped."""
    import msgspec

    from boxmask.annotate.run import run
    from boxmask.cli.annotate_progress import show_progress
    from boxmask.cli.annotate_tables import summary_table

    with show_progress() as report:
        summary = run(job, report)
    if json:
        typer.echo(msgspec.json.encode(summary).decode())
    else:
        summary_table(summary)
    return summary.tally.skipped


def _estimate(job: Job, json: bool) -> int:
    """Print what the job would do and return how many annotations would be skipped."""
    import msgspec

    from boxmask.annotate.estimate import estimate
    from boxmask.cli.annotate_progress import show_progress
    from boxmask.cli.annotate_tables import estimate_table

    with show_progress() as report:
        found = estimate(job, report)
    if json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        estimate_table(found)
    return sum(found.skipped.values())
