"""A whole run: plan, shards, merge, exports; each step finds what an earlier run has finished."""

import time
from dataclasses import replace

from boxmask.annotate.begin import Begun, begin
from boxmask.annotate.events import OnEvent, Summary
from boxmask.annotate.exports import missing_exports, write_exports
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.output import merge_parts
from boxmask.annotate.plan import Plan, Setting, cut_shards, save_plan
from boxmask.annotate.work_folder import (
    WorkFolder,
    explain_disk_errors,
    hold_lock,
    output_is_current,
    resumable_plan,
)
from boxmask.annotate.workload import Workload, open_workload
from boxmask.errors import InputError, RunError


def annotate(job: AnnotateJob, on_event: OnEvent) -> Summary:
    """Annotate a dataset, or go on where an earlier run of the same job has stopped.

    Killed at any moment and run again, it writes the same bytes as if it had not been killed.
    """
    started = time.monotonic()
    with explain_disk_errors(job.out):
        begun = begin(job, on_event)
        resumable_plan(begun.work, begun.settings, fresh=job.fresh)  # refuses before it writes
        begun.work.path.mkdir(exist_ok=True)
        with hold_lock(begun.work.path):
            summary = _run_locked(begun)
    return replace(summary, seconds=round(time.monotonic() - started, 3))


def new_plan(workload: Workload, settings: dict[str, Setting]) -> Plan:
    """Plan a job from its dataset."""
    shards = cut_shards(workload.wanted_by_image, size=workload.job.shard_boxes)
    return Plan(settings, shards, may_replace=workload.job.fresh)


def _run_locked(begun: Begun) -> Summary:
    inputs, work, hints, settings = begun
    job, on_event = inputs.job, inputs.on_event
    plan = resumable_plan(work, settings, fresh=job.fresh)
    written = plan is not None and output_is_current(work, plan)
    already = plan is not None and written and not missing_exports(job, plan)
    reused = predicted = 0
    if plan is None or not already:
        workload = open_workload(inputs, hints)
        if plan is None:
            plan = new_plan(workload, settings)
            work.remove_parts()
            save_plan(plan, work.plan)
        if not written:
            # Here, because importing PyTorch takes longer than finding that nothing is left to do.
            from boxmask.annotate.shards import run_missing_shards

            reused = run_missing_shards(workload, inputs, plan, work)
            predicted = sum(shard.boxes for shard in plan.shards) - reused
            plan = merge_parts(workload, plan, work, on_event)
        plan = write_exports(job, workload.dataset, plan, work, on_event)
    work.remove_parts()
    if job.strict:
        _raise_if_skipped(work)
    return _summary(begun, plan, predicted=predicted, reused=reused, already=already)


def _raise_if_skipped(work: WorkFolder) -> None:
    """Raise InputError if the output, of a run without --strict, has skipped annotations."""
    with work.log.open(encoding="utf-8") as log:
        first = log.readline().strip()
    if first:
        raise InputError(
            f"{work.out}: annotations were skipped, the first of them {first}. Mend them and give "
            f"--fresh, or run without --strict; {work.log} lists them all."
        )


def _summary(begun: Begun, plan: Plan, *, predicted: int, reused: int, already: bool) -> Summary:
    work = begun.work
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
        device=begun.inputs.device,
        precision=begun.inputs.precision,
        told=begun.hints,
    )
