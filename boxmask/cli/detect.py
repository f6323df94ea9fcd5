"""The command `boxmask detect`."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from boxmask.annotate.job import parse_tightness
from boxmask.cli.annotate import annotate
from boxmask.cli.exit_status import ExitStatus, exit_if_short
from boxmask.cli.exports import chosen_exports, chosen_options, with_export_options
from boxmask.cli.printing import AsJson, Quiet, counted, print_json, say
from boxmask.detect.job import DetectJob, detect_job
from boxmask.remote import folder_of

if TYPE_CHECKING:
    from boxmask.detect.run import Detected

_NAMED = 3  # photographs that cannot be used, of each reason
_STOPPED = "stopped; the same command (without --fresh) goes on with what is finished"
# Options that are those of annotate, in its words.
OF_MASKS = (
    *("flip", "tightness", "neighbours", "polygons", "tolerance", "max_vertices", "tighten"),
    *("exif", "max_pixels", "decode", "device", "precision", "batch_images", "batch_boxes"),
    *("threads", "decoders", "fresh"),
)


def _with_mask_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that takes **rest the options of annotate that are about the masks."""
    signature = inspect.signature(command)
    theirs = inspect.signature(annotate).parameters
    chosen = [theirs[name].replace(kind=inspect.Parameter.KEYWORD_ONLY) for name in OF_MASKS]
    own = list(signature.parameters.values())
    at = next(k for k, one in enumerate(own) if one.kind is inspect.Parameter.VAR_KEYWORD)
    parameters = [*own[:at], *chosen, *own[at:]]
    setattr(command, "__signature__", signature.replace(parameters=parameters))  # noqa: B010
    command.__annotations__ |= {one.name: one.annotation for one in chosen}
    return command


@with_export_options
@_with_mask_options
def detect(
    photos: Annotated[
        str, typer.Argument(help="Folder of the photographs, or its URL.", show_default=False)
    ],
    weights: Annotated[
        Path,
        typer.Option(help="Weights of a network with a detector.", show_default=False),
    ],
    out: Annotated[
        str,
        typer.Option(
            "--out", "-o", metavar="PATH", help="The output, in COCO form.", show_default=False
        ),
    ],
    masks: Annotated[
        Path | None,
        typer.Option(
            help="Weights that make the masks of the boxes: FILE, or bundled.",
            show_default="those of --weights",
        ),
    ] = None,
    complete: Annotated[
        Path | None,
        typer.Option(
            help="COCO file of these photographs: write it to --out with what it lacks, "
            "every other byte as it is.",
            show_default=False,
        ),
    ] = DetectJob.complete,
    min_score: Annotated[float, typer.Option(help="Leave out weaker boxes.")] = DetectJob.min_score,
    most: Annotated[int, typer.Option(help="Most boxes of an image.")] = DetectJob.most,
    overlap: Annotated[
        float,
        typer.Option(help="--complete: IoU with a box of its class that makes a box a known one."),
    ] = DetectJob.overlap,
    max_skipped: Annotated[
        int | None, typer.Option(min=0, help="Exit with status 3 if more is skipped.")
    ] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    **rest: Any,
) -> None:
    """Find boxes in photographs by a trained detector, and give each a mask.

    OUT.boxes.json holds the boxes with their scores; OUT is what annotate makes of them. Killed at
    any moment, the same command goes on where it stopped and writes the same bytes.
    """
    from boxmask.bundled import find_weights
    from boxmask.cli.progress import show_progress
    from boxmask.detect.run import detect as run

    job = detect_job(
        folder_of(photos),
        weights=find_weights(weights),
        out=folder_of(out),
        masks=find_weights(masks) if masks else None,
        complete=complete,
        min_score=min_score,
        most=most,
        overlap=overlap,
        tightness=parse_tightness(rest["tightness"]),
        exports=chosen_exports(rest),
        export_options=chosen_options(rest),
        **{name: rest[name] for name in OF_MASKS if name != "tightness"},
    )
    try:
        with show_progress(quiet=quiet) as on_event:
            found = run(job, on_event)
    except KeyboardInterrupt:
        say(_STOPPED, err=True)
        raise typer.Exit(ExitStatus.INTERRUPTED) from None
    if as_json:
        print_json(found)
    elif not quiet:
        _print(found)
    exit_if_short(found.shortage, skipped=found.skipped_count, max_skipped=max_skipped)


def _print(detected: "Detected") -> None:
    """Print what was found, what became of it, and where the files lie."""
    from boxmask.cli.annotate_tables import print_result

    found = detected.found
    say(f"{found.boxes:,} boxes found in {counted(found.images, 'photograph')}")
    for reason, names in found.unusable.items():
        more = ", ..." if len(names) > _NAMED else ""
        say(f"  {reason}: {len(names):,} ({', '.join(names[:_NAMED])}{more})")
    if found.known:
        say(f"  {found.known:,} more are in the file already")
    print_result(detected.masks)
    say(f"boxes: {detected.boxes}")
    if detected.out != detected.masks.out:
        say(f"completed: {detected.out}")
