"""The exports of a job: the finished output in the forms of other programs."""

from dataclasses import replace
from pathlib import Path

from boxmask.annotate.events import Event, OnEvent, Stage
from boxmask.annotate.job import AnnotateJob, flag
from boxmask.annotate.plan import Plan, save_plan
from boxmask.annotate.work_folder import WorkFolder
from boxmask.dataset import BoxDataset
from boxmask.errors import ConfigError
from boxmask.export import EXPORTS
from boxmask.images import relative_name


def check_exports(job: AnnotateJob, dataset: BoxDataset) -> None:
    """Raise what would keep an export from being written, before hours are spent on its masks."""
    for name, folder in _requested_exports(job).items():
        if folder.exists() and not folder.is_dir():
            raise ConfigError(f"{folder}: a file; {flag(name)} is the name of a folder.")
        if image := _image_overwritten_by(EXPORTS[name].names(dataset), folder, job, dataset):
            raise ConfigError(f"{image}: {flag(name)} would write over this image; give another.")


def missing_exports(job: AnnotateJob, plan: Plan) -> dict[str, Path]:
    """Return the folders of the exports that are requested and not complete, by name."""
    return {
        name: folder
        for name, folder in _requested_exports(job).items()
        if not (plan.exported.get(name) == str(folder) and folder.is_dir())
    }


def write_exports(
    job: AnnotateJob, dataset: BoxDataset, plan: Plan, work: WorkFolder, on_event: OnEvent
) -> Plan:
    """Write the exports that are missing, and return the plan that knows them."""
    for name, folder in missing_exports(job, plan).items():
        stage = Stage(name, EXPORTS[name].title)
        on_event(Event(stage, 0, 1))
        EXPORTS[name].write(dataset, work.out, folder)
        plan = replace(plan, exported=plan.exported | {name: str(folder)})
        save_plan(plan, work.plan)
        on_event(Event(stage, 1, 1))
    return plan


def _requested_exports(job: AnnotateJob) -> dict[str, Path]:
    folders = {name: getattr(job, name) for name in EXPORTS}
    return {name: folder for name, folder in folders.items() if folder is not None}


def _image_overwritten_by(
    names: list[str | None], folder: Path, job: AnnotateJob, dataset: BoxDataset
) -> Path | None:
    """Return the first image that a file of these names in the folder would replace."""
    images, place = job.images.resolve(), folder.resolve()
    taken = {images / name for name in map(relative_name, dataset.file_names) if name}
    return next((place / name for name in names if name and place / name in taken), None)
