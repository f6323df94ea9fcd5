"""A dry run: what would be done and how long it would take; nothing is written."""

import time
from collections import Counter
from dataclasses import replace

import numpy as np

from boxmask.annotate.device import settled
from boxmask.annotate.disk import told_of_disk
from boxmask.annotate.events import Estimate, Event, Report
from boxmask.annotate.job import Job, check_paths
from boxmask.annotate.network import load_annotator
from boxmask.annotate.plan import Plan, Shard, load
from boxmask.annotate.run import new_plan, open_scope, settled_told
from boxmask.annotate.scope import Scope
from boxmask.annotate.settings import settings_of
from boxmask.annotate.shard import run_shard
from boxmask.annotate.work import WorkFolder, is_written, plan_begun
from boxmask.faults import reason_of
from boxmask.mark import Status

# Boxes that are timed, after as many to warm up.
SAMPLE = 100


def estimate(job: Job, report: Report) -> Estimate:
    """Say what `run` would do, after timing the network on a few images."""
    check_paths(job)
    with told_of_disk(job.out):
        return _estimate(job, report)


def _estimate(job: Job, report: Report) -> Estimate:
    work = WorkFolder(job.out)
    before = None if job.fresh else load(work.plan)
    device, precision = settled(job, before)
    told = settled_told(job, before, device, precision, report)
    settings = settings_of(job, told, device, precision)
    begun = plan_begun(work, settings, fresh=job.fresh)
    scope = open_scope(job, told, report)
    plan = begun or new_plan(scope, settings)
    done = _finished(work, begun)
    left = [shard for k, shard in enumerate(plan.shards) if k not in done]
    report(Event("time", 0, 1))
    rate = _rate(scope, left[0], device, precision) if left else None
    report(Event("time", 1, 1))
    boxes_left = sum(shard.boxes for shard in left)
    return Estimate(
        images=len(scope.dataset.image_ids),
        annotations=len(scope.status),
        boxes=sum(shard.boxes for shard in plan.shards),
        kept=int((scope.status == Status.KEPT.code).sum()),
        crowd=int((scope.status == Status.CROWD.code).sum()),
        skipped=_reasons(scope),
        shards=len(plan.shards),
        finished_shards=len(done),
        finished_boxes=sum(plan.shards[k].boxes for k in done),
        boxes_per_second=rate,
        seconds_left=round(boxes_left / rate, 3) if rate else 0.0,
        device=device,
        precision=precision,
        told=told,
    )


def _finished(work: WorkFolder, plan: Plan | None) -> set[int]:
    if plan is None:
        return set()
    shards = range(len(plan.shards))
    if is_written(work, plan):
        return set(shards)
    return {k for k in shards if work.finished_part(plan, k) is not None}


def _reasons(scope: Scope) -> dict[str, int]:
    faults = scope.dataset.faults[scope.status == Status.SKIPPED.code]
    return dict(Counter(map(reason_of, faults.tolist())).most_common())


def _rate(scope: Scope, shard: Shard, device: str, precision: str) -> float:
    """Time the first images of a shard, twice: the first time warms up caches and the device."""
    annotator = load_annotator(scope.job, device=device, precision=precision)
    counts = scope.wanted_by_image[shard.first : shard.stop].cumsum()
    few = min(int(counts.searchsorted(SAMPLE)) + 1, len(counts))
    sample = replace(shard, stop=shard.first + few, boxes=int(counts[few - 1]))
    seconds = np.inf
    for _ in range(2):
        started = time.perf_counter()
        run_shard(scope, sample, annotator, lambda boxes: None)
        seconds = min(seconds, time.perf_counter() - started)
    return round(float(sample.boxes / seconds), 1)
