"""A whole run: plan, shards, merge, exports; each step finds what an earlier run has finished."""

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from boxmask.annotate.device import settled
from boxmask.annotate.disk import told_of_disk
from boxmask.annotate.events import Event, Report, Summary
from boxmask.annotate.finish import check_exports, export, lacking, merge_parts
from boxmask.annotate.job import Job, check_paths
from boxmask.annotate.lock import exclusive
from boxmask.annotate.plan import Plan, Setting, cut_shards, load, save
from boxmask.annotate.scope import Scope
from boxmask.annotate.settings import settings_of
from boxmask.annotate.status import statuses
from boxmask.annotate.told import Told, recorded, told_by
from boxmask.annotate.work import WorkFolder, is_written, plan_begun, refuse_output
from boxmask.data import read
from boxmask.errors import InputError, RunError

if TYPE_CHECKING:
    from boxmask.annotate.network import Annotator


def run(job: Job, report: Report) -> Summary:
    """Annotate a dataset, or go on where an earlier run of the same job has stopped.

    Killed at any moment and run again, it writes the same bytes as if it had not been killed.
    """
    started = time.monotonic()
    check_paths(job)
    work = WorkFolder(job.out)
    with told_of_disk(job.out):
        before = None if job.fresh else load(work.plan)
        device, precision = settled(job, before)
        told = settled_told(job, before, device, precision, report)
        settings = settings_of(job, told, device, precision)
        plan_begun(work, settings, fresh=job.fresh)  # refuses before anything is written
        work.path.mkdir(exist_ok=True)
        with exclusive(work.path):
            summary = _go_on(job, told, work, settings, report)
    return replace(summary, seconds=round(time.monotonic() - started, 3))


def settled_told(
    job: Job, before: Plan | None, device: str, precision: str, report: Report
) -> Told | None:
    """Decide what the network is told: what the job says, or what its plan was begun with, or what
    a sample of the boxes shows."""
    told, work = told_by(job), WorkFolder(job.out)
    if told is None or job.tightness != "auto":
        return told
    tightness = None if before is None or work.is_bare(before) else recorded(job, before)
    if tightness is None:
        refuse_output(work, fresh=job.fresh)
        tightness = _measured(job, told, device, precision, report)
    return told if tightness is None else replace(told, tightness=tightness)


def _measured(job: Job, told: Told, device: str, precision: str, report: Report) -> float | None:
    # Here, because importing PyTorch takes longer than finding that nothing is left to do.
    from boxmask.annotate.looseness import measured_tightness
    from boxmask.annotate.network import load_annotator

    scope = open_scope(job, told, report)
    report(Event("looseness", 0, 1))
    annotator = load_annotator(job, device=device, precision=precision)
    tightness = measured_tightness(scope, annotator)
    report(Event("looseness", 1, 1))
    return tightness


def open_scope(job: Job, told: Told | None, report: Report) -> Scope:
    """Read the dataset and decide what is to become of each box."""
    report(Event("read", 0, 1))
    dataset = read(job.boxes, replace(job.reading, strict=job.strict or job.reading.strict))
    report(Event("read", 1, 1))
    check_exports(job, dataset)
    return Scope(job, told, dataset, statuses(dataset, overwrite=job.overwrite))


def new_plan(scope: Scope, settings: dict[str, Setting]) -> Plan:
    """Plan a job from its dataset."""
    shards = cut_shards(scope.wanted_by_image, size=scope.job.shard_boxes)
    return Plan(settings, shards, may_replace=scope.job.fresh)


def _go_on(
    job: Job,
    told: Told | None,
    work: WorkFolder,
    settings: dict[str, Setting],
    report: Report,
) -> Summary:
    plan = plan_begun(work, settings, fresh=job.fresh)
    written = plan is not None and is_written(work, plan)
    already = plan is not None and written and not lacking(job, plan)
    reused = predicted = 0
    if plan is None or not already:
        scope = open_scope(job, told, report)
        if plan is None:
            plan = new_plan(scope, settings)
            work.remove_parts()
            save(plan, work.plan)
        if not written:
            reused = _make_parts(scope, plan, work, report)
            predicted = sum(shard.boxes for shard in plan.shards) - reused
            plan = merge_parts(scope, plan, work, report)
        plan = export(scope, plan, work, report)
    work.remove_parts()
    if job.strict:
        _refuse_skips(work)
    return _summary(work, plan, told, predicted=predicted, reused=reused, already=already)


def _refuse_skips(work: WorkFolder) -> None:
    """Raise InputError if the output, of a run without --strict, has skipped annotations."""
    with work.log.open(encoding="utf-8") as log:
        first = log.readline().strip()
    if first:
        raise InputError(
            f"{work.out}: annotations were skipped, the first of them {first}. Mend them and give "
            f"--fresh, or run without --strict; {work.log} lists them all."
        )


def _make_parts(scope: Scope, plan: Plan, work: WorkFolder, report: Report) -> int:
    # Here, because importing PyTorch takes longer than finding that nothing is left to do.
    from boxmask.annotate.engine import make_parts
    from boxmask.annotate.network import load_annotator

    def annotator() -> "Annotator":
        device, precision = str(plan.settings["--device"]), str(plan.settings["--precision"])
        return load_annotator(scope.job, device=device, precision=precision)

    return make_parts(scope, plan, work, annotator, report)


def _summary(
    work: WorkFolder,
    plan: Plan,
    told: Told | None,
    *,
    predicted: int,
    reused: int,
    already: bool,
) -> Summary:
    if plan.tally is None:
        raise RunError(f"{work.plan}: no tally in the plan. Start anew with --fresh.")
    return Summary(
        out=str(work.out),
        log=str(work.log),
        tally=plan.tally,
        shards=len(plan.shards),
        predicted=predicted,
        reused=reused,
        seconds=0.0,
        already_done=already,
        exported=plan.exported,
        device=str(plan.settings["--device"]),
        precision=str(plan.settings["--precision"]),
        told=told,
    )
