"""How a run begins: all that decides the bytes of its output is settled before anything is made."""

from dataclasses import replace
from typing import NamedTuple

from boxmask.annotate.events import LOOSENESS, Event, OnEvent
from boxmask.annotate.hints import Hints, hints_without_measuring
from boxmask.annotate.job import AnnotateJob, check_paths
from boxmask.annotate.places import check_places
from boxmask.annotate.plan import Plan, Setting, load_plan
from boxmask.annotate.sending import check_output_place
from boxmask.annotate.settings import (
    output_settings,
    recorded_tightness,
    resolve_device,
    resolve_runtime,
)
from boxmask.annotate.work_folder import WorkFolder, refuse_foreign_output
from boxmask.annotate.workload import Inputs, open_workload

# What to do after the disk has failed.
GO_ON = "run the same command again; it goes on with the shards that are finished"


class Begun(NamedTuple):
    """A job with what was settled about it."""

    inputs: Inputs
    work: WorkFolder
    hints: Hints | None  # what the network knows of the boxes, None if it takes none
    settings: dict[str, Setting]  # all that the bytes of the output depend on


def begin(job: AnnotateJob, on_event: OnEvent) -> Begun:
    """Settle what a job leaves open: as its plan was begun, if it was; else by what is there."""
    check_paths(job)
    check_places(job)
    check_output_place(job)
    work = WorkFolder(job.out)
    begun = None if job.fresh else load_plan(work.plan)
    refuse_foreign_output(work, begun, fresh=job.fresh)  # before time is spent on it
    threads_before = 0 if begun is None else begun.threads
    device, precision = resolve_device(job, begun)
    runtime = resolve_runtime(job, begun, device, precision)
    inputs = Inputs(job, device, precision, on_event, threads_before, runtime)
    if begun is None:
        inputs.warm_up()
    hints = _settle_hints(inputs, work, begun)
    settings = output_settings(job, hints, device, precision) | {"--runtime": runtime}
    return Begun(inputs, work, hints, settings)


def _settle_hints(inputs: Inputs, work: WorkFolder, begun: Plan | None) -> Hints | None:
    """Return what a job says, else what its plan was begun with, else what a sample shows."""
    job = inputs.job
    hints = hints_without_measuring(job)
    if hints is None or job.tightness != "auto":
        return hints
    tightness = None
    if begun is not None and not work.has_no_masks(begun):
        tightness = recorded_tightness(begun)
    if tightness is None:
        tightness = _measure(inputs, hints)
    return hints if tightness is None else replace(hints, tightness=tightness)


def _measure(inputs: Inputs, hints: Hints) -> float | None:
    # Here, because importing PyTorch takes longer than finding that nothing is left to do.
    from boxmask.annotate.tightness import measure_tightness

    workload = open_workload(inputs, hints)
    inputs.on_event(Event(LOOSENESS, 0, 1))
    tightness = measure_tightness(workload, inputs.network)
    inputs.on_event(Event(LOOSENESS, 1, 1))
    return tightness
