"""The commands as Python functions: `boxmask.annotate`, `evaluate`, `check`, `train` and `read`.

Each takes what its command takes, paths as text or Path, and returns what the command prints.
Nothing heavy is imported before it is needed.
"""

import dataclasses
import json
import os
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from boxmask.errors import ConfigError
from boxmask.export import EXPORTS, ExportOptions
from boxmask.formats import BoxForm, ReadOptions
from boxmask.options import Annotating, Checking, Detecting, Evaluating, FilePath, Reading
from boxmask.remote import Folder, Url, folder_of
from boxmask.store import fetched
from boxmask.subset import Subset

if TYPE_CHECKING:
    from boxmask.annotate.events import Event, Summary
    from boxmask.check import CheckReport
    from boxmask.dataset import BoxDataset
    from boxmask.detect.run import Detected
    from boxmask.evaluate.report import EvaluationReport

Progress = Callable[[str, int, int], None]  # what is being done, how much of it, out of how much


def read(path: FilePath, **options: Unpack[Reading]) -> "BoxDataset":
    """Read a box file of any known format as columns.

    >>> dataset = boxmask.read("boxes.json")
    >>> dataset.format, dataset.boxes.shape, dataset.file_names[0]
    ('coco', (15, 4), 'astronaut.jpg')
    """
    from boxmask.data import read as read_file

    return read_file(Path(path), _reading(options)[0])


def annotate(
    boxes: FilePath,
    *,
    images: FilePath | None = None,
    out: FilePath,
    progress: Progress | None = None,
    **options: Unpack[Annotating],
) -> "Summary":
    """Give every box of a dataset a mask, as `boxmask annotate` does; go on with a stopped run.

    Images are looked for beside the boxes and one folder up where it is not said where they are.

    >>> summary = boxmask.annotate("boxes.json", images="photos", out="new.json", device="cpu")
    >>> summary.tally.statuses
    {'ok': 15, 'kept': 0, 'crowd': 0, 'skipped': 0}
    """
    from boxmask.annotate.delivery import places_of
    from boxmask.annotate.job import AnnotateJob
    from boxmask.annotate.run import annotate as run

    reading, rest = _reading(options)
    if images is None:
        if isinstance(_place(boxes), Url):
            raise ConfigError(f"{boxes}: where its images are has to be said: give images.")
        (images,) = _images_of([Path(boxes)], reading)
    subset, rest = _subset(rest)
    exports, chosen, rest = _exporting(_paths(rest, "weights", "state"))
    places = places_of(_place(out), exports, rest.pop("state", None), boxes=_place(boxes))
    with fetched(os.fspath(boxes)) as box_file:
        job = AnnotateJob(
            boxes=box_file,
            images=_place(images),
            reading=reading,
            subset=subset,
            strict=reading.strict,
            export_options=chosen,
            **places,
            **rest,
        )
        return run(job, _telling(progress))


def detect(
    photos: FilePath,
    *,
    weights: FilePath,
    out: FilePath,
    progress: Progress | None = None,
    **options: Unpack[Detecting],
) -> "Detected":
    """Find boxes in photographs by a network with a detector and mask them, as `boxmask detect`.

    `masks` are other weights that make the masks; "bundled" is the bundled model.

    >>> detected = boxmask.detect("photos", weights="detector.safetensors", out="found.json")
    >>> detected.found.images, detected.boxes
    (5, 'found.json.boxes.json')
    """
    from boxmask.bundled import find_weights
    from boxmask.detect.job import detect_job
    from boxmask.detect.run import detect as run

    rest = _paths({"weights": weights, **options}, "weights", "masks", "complete")
    rest |= {one: find_weights(rest[one]) for one in ("weights", "masks") if rest.get(one)}
    exports, chosen, rest = _exporting(rest)
    places: dict[str, Any] = {"out": _place(out), "exports": exports, "export_options": chosen}
    job = detect_job(_place(photos), **places, **rest)
    return run(job, _telling(progress))


def check(boxes: FilePath, out: FilePath, **options: Unpack[Checking]) -> "CheckReport":
    """Prove that what `annotate` wrote holds every annotation once, in order, with all its keys.

    >>> report = boxmask.check("boxes.json", "masks.json")
    >>> report.holds, report.statuses
    (True, {'ok': 15})
    """
    from boxmask.check import check as compare
    from boxmask.data import read as read_file

    reading, rest = _reading(options)
    with fetched(os.fspath(boxes)) as box_file, fetched(os.fspath(out)) as made:
        return compare(read_file(box_file, reading), made, subset=_subset(rest)[0])


def evaluate(
    ground_truth: FilePath,
    predicted: FilePath | None = None,
    *,
    page: FilePath | None = None,
    progress: Progress | None = None,
    **options: Unpack[Evaluating],
) -> "EvaluationReport":
    """Score masks against the true ones; `page` is where a page with plots goes (HTML).

    `weights` runs a network over the true boxes of `images` first; "bundled" is the bundled one.

    >>> report = boxmask.evaluate("masks.json", "masks.json", baselines=["box"])
    >>> [one.name for one in report.systems], report.systems[0].splits["overall"].iou.class_mean
    (['masks.json', 'box'], 1.0)
    """
    from boxmask.bundled import find_weights
    from boxmask.evaluate.job import EvaluateJob, no_progress
    from boxmask.evaluate.run import evaluate as evaluate_job
    from boxmask.evaluate.show.page import page_text
    from boxmask.evaluate.show.page_file import check_page, write_page

    rest = _paths(options, "weights", "images", "loosen_out", "keep")
    if rest.get("weights"):
        rest["weights"] = find_weights(rest["weights"])
    rest["baselines"] = tuple(options.get("baselines", ()))
    if page is not None:
        check_page(Path(page))
    with ExitStack() as files:

        def fetch(given: FilePath) -> Path:
            return files.enter_context(fetched(os.fspath(given)))

        rest["against"] = tuple(map(fetch, options.get("against", ())))
        scored = () if predicted is None else (fetch(predicted),)
        job = EvaluateJob(fetch(ground_truth), predicted=scored, **rest)
        if job.images is None and job.looks_at_images:
            (images,) = _images_of([job.ground_truth], ReadOptions(bbox=job.bbox))
            job = dataclasses.replace(job, images=images)
        found = evaluate_job(job, progress or no_progress)
    if page is not None:
        write_page(Path(page), page_text(found))
    return found.report


def train(
    annotations: FilePath | Sequence[FilePath],
    *,
    images: FilePath | Sequence[FilePath] = (),
    out: FilePath,
    preset: str = "zoom",
    seen: str | None = None,
    steps: int | None = None,
    recipe: Mapping[str, object] | None = None,
    val: FilePath | Sequence[FilePath] = (),
    val_images: FilePath | Sequence[FilePath] = (),
    init: FilePath | None = None,
    resume: bool = False,
    device: str = "auto",
    threads: int | None = None,
    bbox: BoxForm = "auto",
    report: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Train a network by a preset into the folder `out`; return the last scores.

    `recipe` changes any field of the preset, by the names that `--set` has.

    >>> done = boxmask.train("masks.json", images="photos", out="run", preset="tiny", steps=2,
    ...                      recipe={"optimiser.lr": 0.002, "workers": 0})
    >>> done["steps"]
    2
    """
    from boxmask.bundled import find_weights
    from boxmask.train.presets import preset as named
    from boxmask.train.recipe_text import override
    from boxmask.train.run import TrainJob
    from boxmask.train.run import train as train_network

    flags = {"seen": seen, "steps": steps}
    changes = dict(recipe or {}) | {name: flag for name, flag in flags.items() if flag is not None}
    texts = [f"{name}={json.dumps(value)}" for name, value in changes.items()]
    config = override(named(preset), texts)
    files, folders = _several(annotations), _several(images)
    val_files, val_folders = _several(val), _several(val_images)
    if not folders:
        reading = ReadOptions(bbox=bbox)
        folders = _images_of(files, reading)
        val_folders = val_folders or _images_of(val_files, reading)
    job = TrainJob(
        annotations=files,
        images=folders,
        out=Path(out),
        val=val_files,
        val_images=val_folders,
        init=None if init is None else find_weights(Path(init)),
        resume=resume,
        device=device,
        threads=threads,
        bbox=bbox,
        command="boxmask.train",
    )
    return train_network(job, config, report=report or (lambda entry: None))


def _images_of(files: Sequence[Path], reading: ReadOptions) -> tuple[Path, ...]:
    """Look for the folder of images of each of these files."""
    from boxmask.image_folder import find_image_folder

    return tuple(find_image_folder(file, reading) for file in files)


def _reading(options: Mapping[str, Any]) -> tuple[ReadOptions, dict[str, Any]]:
    """Split options into those of reading and the others."""
    given, rest = _split(options, {field.name for field in dataclasses.fields(ReadOptions)})
    return ReadOptions(**_paths(given, "images", "metadata", "images_json", "vg_alias")), rest


def _subset(options: Mapping[str, Any]) -> tuple[Subset, dict[str, Any]]:
    """Split options into the part of the dataset and the others."""
    rest = dict(options)
    texts = {name: tuple(rest.pop(name, ())) for name in ("category", "image")}
    return Subset(limit=rest.pop("limit", None), **texts), rest


def _place(given: FilePath) -> Folder:
    return folder_of(os.fspath(given))


def _exporting(
    options: Mapping[str, Any],
) -> tuple[dict[str, Folder], ExportOptions, dict[str, Any]]:
    """Split options into the places of exports, their options, and the others."""
    places, rest = _split(options, EXPORTS)
    chosen, rest = _split(rest, {field.name for field in dataclasses.fields(ExportOptions)})
    exports = {name: _place(place) for name, place in places.items() if place is not None}
    return exports, ExportOptions(**chosen), rest


def _telling(progress: Progress | None) -> Callable[["Event"], None]:
    """Return what tells a progress function of the events of a run."""

    def on_event(event: "Event") -> None:
        if progress is not None:
            progress(event.stage.name, event.done, event.total)

    return on_event


def _split(
    options: Mapping[str, Any], names: Container[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split options into those of these names and the others."""
    named = {name: value for name, value in options.items() if name in names}
    return named, {name: value for name, value in options.items() if name not in names}


def _paths(options: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Turn those of the options that are paths into Path."""
    return {
        name: Path(value) if name in names and value is not None else value
        for name, value in options.items()
    }


def _several(paths: FilePath | Sequence[FilePath]) -> tuple[Path, ...]:
    listed = (paths,) if isinstance(paths, str | os.PathLike) else paths
    return tuple(Path(path) for path in listed)
