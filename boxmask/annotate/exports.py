"""The exports of a job: the finished output in the forms of other programs."""

import os
from dataclasses import replace
from pathlib import Path

from boxmask.annotate.events import Event, OnEvent, Stage
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.places import beside, read_by, refuse_taken
from boxmask.annotate.plan import ExportReport, Plan, Setting, save_plan
from boxmask.annotate.work_folder import WorkFolder
from boxmask.dataset import BoxDataset
from boxmask.errors import ConfigError
from boxmask.export import EXPORTS, Finished, exporter, flag
from boxmask.formats import FORMATS
from boxmask.ours import Ledger, is_plain


def check_exports(job: AnnotateJob, dataset: BoxDataset) -> None:
    """Raise what would keep an export from being written, before hours are spent on its masks."""
    finished = finished_job(job, dataset)
    far = {} if job.delivery is None else job.delivery.exports
    for name, place in job.exports.items():
        _check_format(name, dataset)
        if name not in far:  # else it is made in a folder that is made with the run
            _check_kind(name, place)
            _check_home(name, place)
    files = {name: _files(name, place, finished) for name, place in job.exports.items()}
    written = {flag(name): listed for name, listed in files.items()}
    refuse_taken(read_by(job, dataset), {"--out": beside(job), **written})
    if job.fresh:
        return
    for name, listed in files.items():
        there = next((file for file in listed if not finished.ledger.may_replace(file)), None)
        if there is not None:
            raise ConfigError(
                f"{there} is there already, and not as a run for this output has written it. "
                f"Give another {flag(name)}, or --fresh to start again and replace it."
            )


def give_exports(job: AnnotateJob, dataset: BoxDataset) -> None:
    """Note that what lies in the places of exports may be replaced: the user has said --fresh."""
    finished = finished_job(job, dataset)
    for name, place in job.exports.items():
        for file in _files(name, place, finished):
            finished.ledger.give(file)


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

    The ledger knows each file before it gets its name.
    """
    for name, place in missing_exports(job, plan).items():
        stage = Stage(name, EXPORTS[name].title)
        on_event(Event(stage, 0, 1))
        plan = replace(plan, exported=plan.exported | {name: str(place)})
        save_plan(plan, work.plan)
        made = exporter(name).write(finished_job(job, dataset), place)
        output = plan.outputs[work.out.name]
        report = ExportReport(output, _options(name, job), made.files, made.notes)
        plan = replace(plan, export_reports=plan.export_reports | {name: report})
        save_plan(plan, work.plan)
        on_event(Event(stage, 1, 1))
    return plan


def finished_job(job: AnnotateJob, dataset: BoxDataset) -> Finished:
    """Return what the exports of a job are made from."""
    ledger = Ledger(WorkFolder(job.out).exported)
    return Finished(
        dataset,
        job.out,
        job.images,
        job.export_options,
        ledger,
        tolerance=job.tolerance,
        max_vertices=job.max_vertices,
    )


def _is_complete(name: str, place: Path, job: AnnotateJob, plan: Plan) -> bool:
    report = plan.export_reports.get(name)
    return (
        report is not None
        and report.output == plan.outputs.get(job.out.name)
        and report.options == _options(name, job)
        and place.exists()
    )


def _options(name: str, job: AnnotateJob) -> dict[str, Setting]:
    """Return the options of an export as the plan records them."""
    given = vars(job) | vars(job.export_options)
    return {option: given[option] for option in EXPORTS[name].options}


def _check_format(name: str, dataset: BoxDataset) -> None:
    """Raise ConfigError if the boxes did not come in the format that an export puts masks into."""
    format = EXPORTS[name].format
    if format and dataset.format != format:
        raise ConfigError(
            f"{dataset.path}: {FORMATS[dataset.format].title}, but {flag(name)} puts masks back "
            f"into {FORMATS[format].title}. Leave it out; {_instead(dataset.format)}"
        )


def _instead(format: str) -> str:
    """Say what writes masks for a format."""
    fitting = [flag(name) for name, export in EXPORTS.items() if export.format == format]
    return f"for these boxes there is {fitting[0]}." if fitting else "--out has all masks, as COCO."


def _check_kind(name: str, place: Path) -> None:
    """Raise ConfigError where a file is in the place of a folder, or the other way round."""
    is_folder = EXPORTS[name].is_folder
    if place.exists() and place.is_dir() != is_folder:
        found, wanted = ("a file", "a folder") if is_folder else ("a folder", "a file")
        raise ConfigError(f"{place}: {found}; {flag(name)} is the name of {wanted}.")
    if not is_folder and not is_plain(place):
        raise ConfigError(f"{place}: a link, or no file; give another {flag(name)}.")
    if not is_folder and not place.absolute().parent.is_dir():
        raise ConfigError(f"{place.parent}: no such folder; make it, or give another {flag(name)}.")


def _check_home(name: str, place: Path) -> None:
    """Raise ConfigError if what there is of the folders of an export cannot be written in."""
    folders = [*place.absolute().parents]
    if EXPORTS[name].is_folder:
        folders = [place, *folders]
    home = next(folder for folder in folders if folder.exists())
    if not home.is_dir():
        raise ConfigError(f"{home}: a file; {flag(name)} cannot be below it, give another.")
    if not os.access(home, os.W_OK | os.X_OK):
        raise ConfigError(f"{home}: a folder that cannot be written in; give another {flag(name)}.")


def _files(name: str, place: Path, finished: Finished) -> list[Path]:
    """Return the files that an export may write, links to folders in their paths resolved."""
    folder = Path(os.path.realpath(place))
    if not EXPORTS[name].is_folder:
        return [Path(os.path.realpath(place.parent)) / place.name]
    listed = exporter(name).names(finished)
    parents = {(folder / file).parent for file in listed}
    real = {parent: Path(os.path.realpath(parent)) for parent in parents}
    return [real[(folder / file).parent] / Path(file).name for file in listed]
