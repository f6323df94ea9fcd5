"""The exports of a job: the finished output in the forms of other programs."""

from dataclasses import replace
from pathlib import Path

from boxmask.annotate.events import Event, OnEvent, Stage
from boxmask.annotate.job import AnnotateJob, flag
from boxmask.annotate.plan import ExportReport, Plan, load_plan, save_plan
from boxmask.annotate.work_folder import WorkFolder
from boxmask.dataset import BoxDataset
from boxmask.errors import ConfigError
from boxmask.export import EXPORTS, Finished, exporter
from boxmask.images import relative_name


def check_exports(job: AnnotateJob, dataset: BoxDataset) -> None:
    """Raise what would keep an export from being written, before hours are spent on its masks."""
    if not job.exports:
        return
    plan = None if job.fresh else load_plan(WorkFolder(job.out).plan)
    begun = plan.exported if plan is not None else {}
    for name, place in job.exports.items():
        _check_kind(name, place)
        files = _files(name, place, _finished(job, dataset))
        if image := _first_image(files, job, dataset):
            raise ConfigError(f"{image}: {flag(name)} would write over this image; give another.")
        there = next((file for file in files if file.exists()), None)
        if there is not None and not job.fresh and begun.get(name) != str(place):
            raise ConfigError(
                f"{there} is there already, and not of this run. "
                f"Give another {flag(name)}, or --fresh to start again and replace it."
            )


def missing_exports(job: AnnotateJob, plan: Plan) -> dict[str, Path]:
    """Return the places of the exports that are requested and not complete, by name."""
    return {
        name: place
        for name, place in job.exports.items()
        if not (plan.exported.get(name) == str(place) and _is_complete(name, place, job, plan))
    }


def write_exports(
    job: AnnotateJob, dataset: BoxDataset, plan: Plan, work: WorkFolder, on_event: OnEvent
) -> Plan:
    """Write the exports that are missing, and return the plan that knows them.

    The plan knows the place of each before anything is written there: what lies there is ours.
    """
    for name, place in missing_exports(job, plan).items():
        stage = Stage(name, EXPORTS[name].title)
        on_event(Event(stage, 0, 1))
        plan = replace(plan, exported=plan.exported | {name: str(place)})
        save_plan(plan, work.plan)
        made = exporter(name).write(_finished(job, dataset), place)
        output = plan.outputs[work.out.name]
        report = ExportReport(output, _options(name, job), made.files, made.notes)
        plan = replace(plan, export_reports=plan.export_reports | {name: report})
        save_plan(plan, work.plan)
        on_event(Event(stage, 1, 1))
    return plan


def _finished(job: AnnotateJob, dataset: BoxDataset) -> Finished:
    return Finished(dataset, job.out, job.images, job.export_options)


def _is_complete(name: str, place: Path, job: AnnotateJob, plan: Plan) -> bool:
    report = plan.export_reports.get(name)
    return (
        report is not None
        and report.output == plan.outputs.get(job.out.name)
        and report.options == _options(name, job)
        and place.exists()
    )


def _options(name: str, job: AnnotateJob) -> dict[str, float]:
    """Return the options of an export as the plan records them."""
    return {option: float(getattr(job.export_options, option)) for option in EXPORTS[name].options}


def _check_kind(name: str, place: Path) -> None:
    """Raise ConfigError where a file is in the place of a folder, or the other way round."""
    is_folder = EXPORTS[name].is_folder
    if place.exists() and place.is_dir() != is_folder:
        found, wanted = ("a file", "a folder") if is_folder else ("a folder", "a file")
        raise ConfigError(f"{place}: {found}; {flag(name)} is the name of {wanted}.")
    if not is_folder and not place.absolute().parent.is_dir():
        raise ConfigError(f"{place.parent}: no such folder; make it, or give another {flag(name)}.")


def _files(name: str, place: Path, finished: Finished) -> list[Path]:
    """Return the files that an export may write, links to folders in their paths resolved."""
    if not EXPORTS[name].is_folder:
        return [place.resolve()]
    folder, listed = place.resolve(), exporter(name).names(finished)
    parents = {parent: parent.resolve() for parent in {(folder / file).parent for file in listed}}
    return [parents[(folder / file).parent] / Path(file).name for file in listed]


def _first_image(files: list[Path], job: AnnotateJob, dataset: BoxDataset) -> Path | None:
    """Return the first image of the dataset that one of these files would replace."""
    images = job.images.resolve()
    names = (relative_name(name, job.images) for name in dataset.file_names)
    taken = {images / name for name in names if name is not None}
    return next((file for file in files if file in taken), None)
