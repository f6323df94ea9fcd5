"""Where a job writes: never over anything that it reads, nor over what it writes itself."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from boxmask.annotate.job import AnnotateJob, resolve_weights
from boxmask.annotate.work_folder import WorkFolder
from boxmask.data import input_files
from boxmask.dataset import BoxDataset
from boxmask.errors import ConfigError
from boxmask.images import relative_name


def check_places(job: AnnotateJob) -> None:
    """Raise ConfigError if what is written beside the output is a file that the job reads."""
    read = _files_read(job)
    for path in _beside(job):
        if path in read:
            raise ConfigError(
                f"{read[path]}: is read, and --out {job.out} would write over it; give another "
                "name."
            )


def refuse_taken(job: AnnotateJob, dataset: BoxDataset, places: Mapping[str, list[Path]]) -> None:
    """Raise ConfigError if a file by the flag that has it written has another use already.

    Other uses are images of the dataset, the other files that are read, and those of other flags.
    """
    taken = dict.fromkeys(_image_files(job, dataset), "this image")
    taken |= dict.fromkeys(_files_read(job), "this file, which is read")
    for flag, files in {"--out": _beside(job), **places}.items():
        for path in files:
            if path in taken:
                raise ConfigError(f"{path}: {flag} would write over {taken[path]}; give another.")
        taken |= dict.fromkeys(files, f"what {flag} writes")


def _image_files(job: AnnotateJob, dataset: BoxDataset) -> Iterator[Path]:
    if isinstance(job.images, Path):
        images = Path(os.path.realpath(job.images))
        names = (relative_name(name, job.images) for name in dataset.file_names)
        yield from (images / name for name in names if name is not None)


def _beside(job: AnnotateJob) -> list[Path]:
    work = WorkFolder(job.out)
    return list(_real((work.out, work.log, work.plan, work.exported)))


def _files_read(job: AnnotateJob) -> dict[Path, Path]:
    """Return the files that are read, images aside, as they were named, by where they are."""
    reading = job.reading
    others = (resolve_weights(job), reading.images_json, reading.metadata, reading.vg_alias)
    return _real([*input_files(job.boxes, reading), *(path for path in others if path)])


def _real(paths: Iterable[Path]) -> dict[Path, Path]:
    return {Path(os.path.realpath(path)): path for path in paths}
