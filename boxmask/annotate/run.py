"""A whole run: plan, shards, merge, exports; each step finds what an earlier run has finished.

What was skipped for its image is tried again first.
"""

import hashlib
import os
import time
from dataclasses import replace
from itertools import islice

from boxmask.annotate.begin import GO_ON, Begun, begin
from boxmask.annotate.delivery import Delivery
from boxmask.annotate.events import Made, OnEvent, Summary, Tally
from boxmask.annotate.exports import give_exports, missing_exports, write_exports
from boxmask.annotate.job import AnnotateJob, resolve_weights
from boxmask.annotate.missing import run_missing_shards
from boxmask.annotate.output import merge_parts
from boxmask.annotate.plan import Plan, Setting, cut_shards, damaged, save_plan
from boxmask.annotate.restore import restore_parts
from boxmask.annotate.retry import has_retriable_skips, output_can_be_completed
from boxmask.annotate.runtime import TORCH, why_not_openvino
from boxmask.annotate.sending import give_places, send
from boxmask.annotate.shortage import FIRST_NAMES, explain_shortage
from boxmask.annotate.work_folder import (
    WorkFolder,
    hold_lock,
    output_is_current,
    present_digests,
    resumable_plan,
)
from boxmask.annotate.workload import Inputs, Workload, open_workload
from boxmask.disk import explain_disk_errors
from boxmask.errors import InputError
from boxmask.faults import IMAGE_FAULTS
from boxmask.mark import Status
from boxmask.remote import Folder, Url


def annotate(job: AnnotateJob, on_event: OnEvent) -> Summary:
    """Annotate a dataset, or go on where an earlier run of the same job has stopped.

    Killed at any moment and run again, it writes the same bytes as if it had not been killed.
    """
    started = time.monotonic()
    with explain_disk_errors(job.out, GO_ON):
        begun = begin(job, on_event)
        resumable_plan(begun.work, begun.settings, fresh=job.fresh)  # refuses before it writes
        if job.delivery is not None:
            job.out.parent.mkdir(exist_ok=True)
        with hold_lock(begun.work.path):
            summary = _run_locked(begun)
            begun.work.remove()
    return replace(summary, seconds=round(time.monotonic() - started, 3))


def new_plan(workload: Workload, settings: dict[str, Setting]) -> Plan:
    """Plan a job from its dataset."""
    job = workload.job
    shards = cut_shards(workload.wanted_by_image, size=job.shard_boxes)
    return Plan(settings, shards, images=_name_digest(job.images))


def _run_locked(begun: Begun) -> Summary:
    inputs, work, hints, settings = begun
    job, on_event = inputs.job, inputs.on_event
    plan = resumable_plan(work, settings, fresh=job.fresh)
    written = plan is not None and output_is_current(work, plan)
    if written and plan is not None and has_retriable_skips(plan):
        workload = open_workload(inputs, hints)
        if output_can_be_completed(workload, work):
            restore_parts(workload, plan, work)
            written = False
    already = plan is not None and written and not missing_exports(job, plan)
    made = Made()
    if plan is None or not already:
        workload = open_workload(inputs, hints)
        if plan is None:
            plan = _begin_plan(workload, begun)
        elif plan.shards != new_plan(workload, begun.settings).shards:
            raise damaged(work.plan, "its shards are not those of the boxes")
        if not written:
            made = run_missing_shards(workload, inputs, plan, work)
            if not made.before:
                plan = replace(plan, images=_name_digest(job.images))
            plan = merge_parts(workload, plan, work, on_event)
        plan = write_exports(job, workload.dataset, plan, work, on_event)
    if job.strict:
        _raise_if_skipped(work)
    if job.delivery is not None:
        dataset = inputs.dataset if job.delivery.exports else None
        already = not send(job, dataset, on_event) and already
    return _summary(begun, plan, made, already=already)


def _begin_plan(workload: Workload, begun: Begun) -> Plan:
    """Plan a job, and forget what another plan has left, but parts that are this one's as well.

    What is there now may be replaced: it is of that plan, or the user has said --fresh.
    """
    work, job = begun.work, begun.inputs.job
    plan = new_plan(workload, begun.settings)
    plan = replace(plan, former=present_digests(work), threads=begun.inputs.threads)
    work.remove_parts(but="" if job.fresh else plan.fingerprint)
    if job.fresh:
        give_exports(job, workload.dataset)
        give_places(job, workload.dataset)
    save_plan(plan, work.plan)
    return plan


def _name_digest(folder: Folder) -> str:
    if isinstance(folder, Url):
        return hashlib.sha256(folder.text.encode()).hexdigest()
    return hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()


def _raise_if_skipped(work: WorkFolder) -> None:
    """Raise InputError if the output, of a run without --strict, has skipped annotations."""
    row, first = next(work.read_log(), (0, None))
    if first is not None:
        raise InputError(
            f"{work.out}: annotations were skipped, the first of them number {row + 1}: "
            f"{first.reason}, {first.detail}. Mend them and give --fresh, or run without --strict; "
            f"{work.log} lists them all."
        )


def _summary(begun: Begun, plan: Plan, made: Made, *, already: bool) -> Summary:
    work, delivery = begun.work, begun.inputs.job.delivery
    if plan.tally is None:
        raise damaged(work.plan, "no tally")
    return Summary(
        out=str(work.out if delivery is None else delivery.out),
        log=str(work.log if delivery is None else delivery.log),
        tally=plan.tally,
        shards=len(plan.shards),
        predicted=made.now,
        reused=made.before,
        other_images=plan.images != _name_digest(begun.inputs.job.images),
        seconds=0.0,
        already_done=already,
        exported=plan.exported | _urls(delivery),
        export_notes={name: report.notes for name, report in plan.export_reports.items()},
        device=begun.inputs.device,
        precision=begun.inputs.precision,
        runtime=begun.inputs.runtime,
        told=begun.hints,
        state="" if delivery is None else str(work.out.parent),
        why_torch=_why_torch(begun.inputs),
        shortage=_shortage(begun, plan.tally),
    )


def _urls(delivery: Delivery | None) -> dict[str, str]:
    return {} if delivery is None else {name: str(url) for name, url in delivery.exports.items()}


def _why_torch(inputs: Inputs) -> str:
    """Say why a CPU did not have its faster runtime, "" if it had or somebody chose."""
    if (inputs.runtime, inputs.job.runtime, inputs.device) != (TORCH, "auto", "cpu"):
        return ""
    weights = resolve_weights(inputs.job)
    return why_not_openvino(weights, device=inputs.device, precision=inputs.precision)


def _shortage(begun: Begun, tally: Tally) -> str:
    """Say why too few masks were made, "" if there are enough."""
    log = (skip for _, skip in begun.work.read_log())
    names = islice((skip.image for skip in log if skip.reason in IMAGE_FAULTS), FIRST_NAMES)
    made, kept = tally.statuses[Status.OK], tally.statuses[Status.KEPT]
    return explain_shortage(
        begun.inputs.job.images, list(names), tally.reasons, made=made, kept=kept
    )
