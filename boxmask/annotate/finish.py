"""The last steps of a run: the parts become the output, the output the forms of other programs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from boxmask.annotate.events import Event, Report
from boxmask.annotate.gather import gathered
from boxmask.annotate.job import Job, option
from boxmask.annotate.merge import Manner, write_output
from boxmask.annotate.plan import Plan, save
from boxmask.annotate.scope import Scope
from boxmask.annotate.work import WorkFolder
from boxmask.dataset import BoxDataset
from boxmask.durable import digest, packed, put, writing
from boxmask.errors import ConfigError
from boxmask.export import index_png_names, write_index_pngs, write_yolo, yolo_names
from boxmask.images import relative_name


class Export(NamedTuple):
    """A form of other programs: how its files are called, and how they are written."""

    names: Callable[[BoxDataset], list[str | None]]
    write: Callable[[BoxDataset, Path, Path], int]


# By the field of Job that names the folder.
EXPORTS = {
    "index_png": Export(index_png_names, write_index_pngs),
    "yolo": Export(yolo_names, write_yolo),
}


def check_exports(job: Job, dataset: BoxDataset) -> None:
    """Raise what would keep an export from being written, before hours are spent on its masks."""
    for name, folder in _wanted(job).items():
        if folder.exists() and not folder.is_dir():
            raise ConfigError(f"{folder}: a file; {option(name)} is the name of a folder.")
        if over := _over_image(job, dataset, folder, EXPORTS[name].names(dataset)):
            raise ConfigError(f"{over}: {option(name)} would write over this image; give another.")


def merge_parts(scope: Scope, plan: Plan, work: WorkFolder, report: Report) -> Plan:
    """Write the output and its log, and return the plan that knows them.

    Both are on the disk and in the plan before they get their names: whenever a run is killed, the
    next one can tell its own output from somebody else's.
    """
    total = len(scope.status)
    out, log = work.staged_output, work.staged_log
    with (
        gathered(work.parts(plan), rows=total, scratch=work.path) as found,
        writing(out) as out_stream,
        writing(log) as log_stream,
        packed(out_stream, work.out.suffix == ".gz") as text,
    ):
        tally = write_output(
            scope.dataset,
            scope.status,
            found,
            manner=Manner(scope.job.tighten, scope.tightness),
            out=text,
            log=log_stream,
            report=lambda done: report(Event("merge", done, total)),
        )
    digests = {work.out.name: digest(out), work.log.name: digest(log)}
    plan = replace(plan, outputs=digests, tally=tally)
    save(plan, work.plan)
    put(log, work.log)
    put(out, work.out)
    report(Event("merge", total, total))
    return plan


def lacking(job: Job, plan: Plan) -> dict[str, Path]:
    """Return the exports that are wanted and not complete, by name."""
    return {
        name: folder
        for name, folder in _wanted(job).items()
        if not (plan.exported.get(name) == str(folder) and folder.is_dir())
    }


def export(scope: Scope, plan: Plan, work: WorkFolder, report: Report) -> Plan:
    """Write the exports that are lacking, and return the plan that knows them."""
    for name, folder in lacking(scope.job, plan).items():
        report(Event(name, 0, 1))
        EXPORTS[name].write(scope.dataset, work.out, folder)
        plan = replace(plan, exported=plan.exported | {name: str(folder)})
        save(plan, work.plan)
        report(Event(name, 1, 1))
    return plan


def _over_image(
    job: Job, dataset: BoxDataset, folder: Path, names: list[str | None]
) -> Path | None:
    """Return the first image that a file of these names in the folder would replace."""
    images, place = job.images.resolve(), folder.resolve()
    taken = {images / name for name in map(relative_name, dataset.file_names) if name}
    return next((place / name for name in names if name and place / name in taken), None)


def _wanted(job: Job) -> dict[str, Path]:
    folders = {name: getattr(job, name) for name in EXPORTS}
    return {name: folder for name, folder in folders.items() if folder is not None}
