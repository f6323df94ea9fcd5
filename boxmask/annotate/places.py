"""Where a job writes: never over anything that it reads, nor over what it writes itself."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
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


def refuse_taken(read: Mapping[Folder, str], written: Mapping[str, Sequence[Folder]]) -> None:
    """Raise ConfigError where what a flag has written would take the place of something else.

    That is what is read, by what to call it, and what the flags before have written. A file cannot
    lie below another; in a store it can.
    """
    taken = dict(read)
    for flag, places in written.items():
        for one in places:
            for place in (one, *(one.parents if isinstance(one, Path) else ())):
                if place in taken:
                    what = taken[place]
                    raise ConfigError(f"{place}: {flag} would write over {what}; give another.")
        taken |= dict.fromkeys(places, f"what {flag} writes")


def read_by(job: AnnotateJob, dataset: BoxDataset) -> dict[Folder, str]:
    """Return all that a job reads, by where it is, and what to call it."""
    read: dict[Folder, str] = dict.fromkeys(_files_read(job), "this file, which is read")
    if isinstance(job.images, Path):
        return read | dict.fromkeys(image_files(job.images, dataset.file_names), "this image")
    names = (relative_name(name, job.images) for name in dataset.file_names)
    return read | {job.images / name: "this image" for name in names if name is not None}


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
