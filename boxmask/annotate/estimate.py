"""A dry run: what would be done and how long it would take; nothing is written."""

import time
from collections import Counter
from dataclasses import replace

import numpy as np

from boxmask.annotate.begin import GO_ON, begin
from boxmask.annotate.events import TIME, Estimate, Event, OnEvent
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.plan import Plan, Shard
from boxmask.annotate.retry import changed_images, images_in_log, part_can_be_completed
from boxmask.annotate.run import new_plan
from boxmask.annotate.shards import run_shard
from boxmask.annotate.shortage import FIRST_NAMES, explain_shortage
from boxmask.annotate.work_folder import (
    WorkFolder,
    output_is_current,
    resumable_plan,
)
from boxmask.annotate.workload import Workload, open_workload
from boxmask.disk import explain_disk_errors
from boxmask.faults import ImageFault, reason_of
from boxmask.mark import Status
from boxmask.models.prediction import Network

# Boxes that are timed, after as many to warm up.
SAMPLE = 100
IMAGES_CHECKED = 1000


def estimate(job: AnnotateJob, on_event: OnEvent) -> Estimate:
    """Say what `annotate` would do, after timing the network on a few images."""
    with explain_disk_errors(job.out, GO_ON):
        inputs, work, hints, settings = begin(job, on_event)
        resumable = resumable_plan(work, settings, fresh=job.fresh)
        workload = open_workload(inputs, hints)
    plan = resumable or new_plan(workload, settings)
    done = _finished_shards(workload, work, resumable)
    left = [shard for k, shard in enumerate(plan.shards) if k not in done]
    on_event(Event(TIME, 0, 1))
    unusable = _unusable_images(workload)
    rate = _boxes_per_second(workload, left[0], inputs.network) if left else None
    rate = rate and rate * min(job.workers, len(left))  # each has its share of the cores
    on_event(Event(TIME, 1, 1))
    boxes_left = sum(shard.boxes for shard in left)
    return Estimate(
        images=len(workload.dataset.image_ids),
        annotations=len(workload.status),
        boxes=sum(shard.boxes for shard in plan.shards),
        kept=int((workload.status == Status.KEPT.code).sum()),
        crowd=int((workload.status == Status.CROWD.code).sum()),
        skipped=_skip_reasons(workload),
        shards=len(plan.shards),
        finished_shards=len(done),
        finished_boxes=sum(plan.shards[k].boxes for k in done),
        boxes_per_second=rate,
        seconds_left=round(boxes_left / rate, 3) if rate else 0.0,
        device=inputs.device,
        precision=inputs.precision,
        runtime=inputs.runtime,
        told=hints,
        left=int((workload.status == Status.LEFT.code).sum()),
        rejected=int((workload.status == Status.REJECTED.code).sum()),
        rectangles=workload.rectangles,
        images_checked=len(unusable),
        unusable=dict(Counter(filter(None, unusable.values())).most_common()),
        shortage=_shortage(workload, unusable),
    )


def _finished_shards(workload: Workload, work: WorkFolder, plan: Plan | None) -> set[int]:
    if plan is None:
        return set()
    shards = range(len(plan.shards))
    if not output_is_current(work, plan):
        parts = {k: work.finished_part(plan, k) for k in shards}
        return {
            k for k, part in parts.items() if part and not part_can_be_completed(workload, part)
        }
    changed = set(changed_images(workload, images_in_log(workload, work)))
    return {
        k for k in shards if changed.isdisjoint(range(plan.shards[k].first, plan.shards[k].stop))
    }


def _skip_reasons(workload: Workload) -> dict[str, int]:
    faults = workload.dataset.faults[workload.status == Status.SKIPPED.code]
    return dict(Counter(map(reason_of, faults.tolist())).most_common())


def _unusable_images(workload: Workload) -> dict[int, str]:
    """Open some of the images with boxes that want a mask; "" for each that can be used."""
    images = np.flatnonzero(workload.wanted_by_image)
    few = images[:: max(1, -(-len(images) // IMAGES_CHECKED))].tolist()
    found = {}
    for image in few:
        try:
            workload.image_size(image)
            found[image] = ""
        except ImageFault as fault:
            found[image] = fault.reason
    return found


def _shortage(workload: Workload, unusable: dict[int, str]) -> str:
    """Say why too few masks would be made, as far as the images checked tell."""
    wanted = workload.wanted_by_image
    reasons = Counter(_skip_reasons(workload))
    checked = int(wanted[list(unusable)].sum())
    for image, reason in unusable.items():
        reasons[reason] += int(wanted[image] * wanted.sum() / checked)  # as if all were like them
    made = reasons.pop("", 0)
    names = [workload.dataset.file_names[image] for image, reason in unusable.items() if reason]
    kept = int((workload.status == Status.KEPT.code).sum())
    return explain_shortage(workload.job.images, names[:FIRST_NAMES], reasons, made=made, kept=kept)


def _boxes_per_second(workload: Workload, shard: Shard, network: Network) -> float | None:
    """Time the first images of a shard, twice: the first time warms up caches and the device.

    None if none of them can be used.
    """
    counts = workload.wanted_by_image[shard.first : shard.stop].cumsum()
    few = min(int(counts.searchsorted(SAMPLE)) + 1, len(counts))
    sample = replace(shard, stop=shard.first + few, boxes=int(counts[few - 1]))
    seconds, masks = np.inf, 0
    for _ in range(2):
        started = time.perf_counter()
        masks = run_shard(workload, sample, network, lambda boxes: None).masks
        seconds = min(seconds, time.perf_counter() - started)
    return round(float(masks / seconds), 1) or None
