"""The settings of a job that change the bytes of its output: two runs that share them may share
part files."""

import dataclasses
from pathlib import Path

from boxmask.annotate.job import Job, option, weights_file
from boxmask.annotate.plan import CONTENT, Setting
from boxmask.annotate.told import Told, settings_of_told
from boxmask.data.genome.images import IMAGE_DATA_NAME
from boxmask.durable import digest
from boxmask.errors import InputError
from boxmask.version import __version__

# Fields of Job that change the output; paths count by their content, not by their name.
CHANGES_BYTES = (
    "flip",
    "overwrite",
    "polygons",
    "tighten",
    "exif",
    "max_pixels",
    "batch_images",
    "batch_boxes",
    "shard_boxes",
)


def settings_of(job: Job, told: Told | None, device: str, precision: str) -> dict[str, Setting]:
    """Name everything that the bytes depend on, as the command line spells it.

    What is told, device and precision are those decided on, since each rounds in its own way.
    """
    reading = dataclasses.asdict(job.reading)
    del reading["strict"]  # stops a run, or changes nothing
    unnamed = job.boxes.with_name(IMAGE_DATA_NAME)  # read if it is there
    if reading["images_json"] is None and unnamed.is_file():
        reading["images_json"] = unnamed
    settings: dict[str, Setting] = {"boxmask": __version__, "BOXES": _content(job.boxes)}
    settings["--weights"] = _content(weights_file(job))
    for name, value in reading.items():
        settings[option(name)] = _content(value) if isinstance(value, Path) else value
    for name in CHANGES_BYTES:
        settings[option(name)] = getattr(job, name)
    settings |= settings_of_told(told)
    return settings | {"--device": device, "--precision": precision}


def _content(path: Path) -> str:
    if not path.exists():
        raise InputError(f"{path}: no such file.")
    return CONTENT + digest(path)
