"""`boxmask train`: learn masks from the seen classes of annotated photographs."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from boxmask.bundled import find_weights
from boxmask.cli.exit_status import ExitStatus
from boxmask.cli.image_folder import LOOKED_FOR, found_images
from boxmask.cli.options import BBox, Threads
from boxmask.cli.printing import AsJson, Quiet, format_duration, print_json, say
from boxmask.formats import ReadOptions


def train(
    annotations: Annotated[list[Path], typer.Argument(help="Annotation files with masks.")],
    images: Annotated[
        list[Path] | None,
        typer.Option(
            help="Image folder; one for all files, or one for each in their order.",
            show_default=LOOKED_FOR,
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Run folder.")] = None,
    preset: Annotated[str, typer.Option(help="Recipe to start from.")] = "zoom",
    seen: Annotated[
        str | None,
        typer.Option(help='Classes whose masks are learnt: voc, non-voc, all, FILE or "a,b".'),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of the optimiser.")] = None,
    batch: Annotated[int | None, typer.Option(help="Boxes (zoom) or images a step.")] = None,
    boxes: Annotated[str | None, typer.Option(help="gt, gt+noisy or proposals.")] = None,
    seed: Annotated[int | None, typer.Option(help="What all randomness comes from.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes preparing batches.")] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE for any field of the recipe; may be repeated."),
    ] = None,
    val: Annotated[list[Path] | None, typer.Option(help="Annotation files to measure on.")] = None,
    val_images: Annotated[list[Path] | None, typer.Option(help="Their image folders.")] = None,
    init: Annotated[
        Path | None,
        typer.Option(help="Weights (FILE or bundled) of this model or of one with fewer parts."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1; auto takes a GPU.")] = "auto",
    threads: Threads = None,
    bbox: BBox = "auto",
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Show the recipe and stop.")
    ] = False,
    quiet: Quiet = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also show the recipe before the first step.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train a network to mask the objects in boxes, from the masks of the seen classes."""
    from boxmask.train.presets import preset as named
    from boxmask.train.recipe_text import override, to_json

    given = {"seen": seen, "steps": steps, "batch": batch, "boxes": boxes}
    given |= {"seed": seed, "workers": workers}
    flags = [f"{name}={value}" for name, value in given.items() if value is not None]
    config = override(named(preset), [*(changes or ()), *flags])
    if print_config:
        say(to_json(config), nl=False)
        return
    if out is None:
        raise typer.BadParameter("--out is needed to train")
    if not images:
        reading = ReadOptions(bbox=bbox)
        images, val_images = (
            given or [found_images(file, reading, quiet=quiet) for file in files]
            for files, given in ((annotations, images), (val or [], val_images))
        )
    from boxmask.train.run import TrainJob
    from boxmask.train.run import train as train_network

    job = TrainJob(
        annotations=tuple(annotations),
        images=tuple(images),
        val=tuple(val or ()),
        val_images=tuple(val_images or ()),
        out=out,
        init=find_weights(init) if init else None,
        resume=resume,
        device=device,
        threads=threads,
        bbox=bbox,
        command=_command(sys.argv[1:]),
    )
    if verbose:
        say(to_json(config), err=True, nl=False)
    try:
        summary = train_network(job, config, report=_say_left_out if quiet else _say)
    except KeyboardInterrupt:
        say(f"stopped; the same command with --resume goes on from {out}", err=True)
        raise typer.Exit(ExitStatus.INTERRUPTED) from None
    if as_json and summary:
        print_json(summary)
    elif summary:
        left_out = summary["left_out"]
        note = f"; {left_out} images or masks left out, see log.jsonl" if left_out else ""
        if not quiet or left_out:
            say(f"done: weights and card in {out}{note}", err=True)


def _command(arguments: list[str]) -> str:
    """Write the command as it may be published: of folders elsewhere, only the last name."""
    short = ("/".join(Path(a).parts[-2:]) if a.startswith("/") else a for a in arguments)
    return f"boxmask {shlex.join(short)}"


def _say(entry: dict[str, Any]) -> None:
    """Print one report on stderr."""
    if "masks" in entry:
        line = _opening(entry)
    elif "loss" in entry:
        line = (
            f"step {entry['step']}  loss {entry['loss']:.4f} (mask {entry['mask']:.4f})  "
            f"{entry['boxes_per_second']:.1f} boxes/s  waiting {entry['waiting']:.0%}  "
            f"{format_duration(entry['seconds_left'])} left"
        )
    else:
        hidden = ("step", "_low", "_high", "left_out")
        scores = (f"{k} {value:.4f}" for k, value in entry.items() if not k.endswith(hidden))
        line = f"step {entry['step']}  {'  '.join(scores)}"
    say(line, err=True)
    _say_left_out(entry)


def _say_left_out(entry: dict[str, Any]) -> None:
    """Print on stderr what a report says was left out."""
    for reason in entry.get("left_out", ()):
        say(f"left out: {reason}", err=True)


def _opening(entry: dict[str, Any]) -> str:
    """Say what is learnt from, and what the run is measured on."""
    measured = entry["measured_images"]
    images = f"{measured:,} images" if measured else "none: add --val or --set holdout=10"
    after = f"going on after step {entry['step']}: " if entry["step"] else ""
    boxes = f"{entry['boxes']:,} boxes, " if entry["boxes"] else ""
    return (
        f"{after}learning from {entry['images']:,} images, {boxes}{entry['masks']:,} masks of "
        f"{entry['seen_classes']} seen classes ({entry['unseen_classes']} unseen); "
        f"measuring on {images}"
    )
