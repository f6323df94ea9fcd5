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
from boxmask.remote import Folder


def check_places(job: AnnotateJob) -> None:
    """Raise ConfigError if what is written beside the output is a file that the job reads."""
    read = _files_read(job)
    for path in beside(job):
        if path in read:
            raise ConfigError(
                f"{read[path]}: is read, and --out {job.out} would write over it; give another "
                "name."
            )


def refuse_taken(job: AnnotateJob, dataset: BoxDataset, places: Mapping[str, list[Path]]) -> None:
    """Raise ConfigError if a file by the flag that has it written has another use already.

    Other uses are images of the dataset, the other files that are read, and those of other flags.
    """
    taken = dict.fromkeys(image_files(job.images, dataset.file_names), "this image")
    taken |= dict.fromkeys(_files_read(job), "this file, which is read")
    for flag, files in {"--out": beside(job), **places}.items():
        for path in files:
            for place in (path, *path.parents):
                if place in taken:
                    what = taken[place]
                    raise ConfigError(f"{place}: {flag} would write over {what}; give another.")
        taken |= dict.fromkeys(files, f"what {flag} writes")


def image_files(folder: Folder, file_names: Iterable[str]) -> Iterator[Path]:
    """Yield where the images of a folder on this machine are."""
    if isinstance(folder, Path):
        images = Path(os.path.realpath(folder))
        names = (relative_name(name, folder) for name in file_names)
        yield from (images / name for name in names if name is not None)


def beside(job: AnnotateJob) -> list[Path]:
    """List what a job writes, exports aside, by where it is."""
    work = WorkFolder(job.out)
    return list(real((work.out, work.log, work.plan, work.exported)))


def _files_read(job: AnnotateJob) -> dict[Path, Path]:
    """Return the files that are read, images aside, as they were named, by where they are."""
    reading = job.reading
    others = (resolve_weights(job), reading.images_json, reading.metadata, reading.vg_alias)
    return real([*input_files(job.boxes, reading), *(path for path in others if path)])


def real(paths: Iterable[Path]) -> dict[Path, Path]:
    """Return paths as they were named by where they are."""
    return {Path(os.path.realpath(path)): path for path in paths}
