"""The parts that a run lacks: which they are, who makes them, and how they get to the disk.

Engines make parts and nothing else. Whoever makes one, it is written here, by the run's own
process: what dies elsewhere leaves nothing behind.
"""

from contextlib import closing

import numpy as np

from boxmask.annotate.engines import engine_of
from boxmask.annotate.events import MASKS, Event, Made
from boxmask.annotate.parts import Part, write_part
from boxmask.annotate.plan import Plan
from boxmask.annotate.retry import keep_masks, part_can_be_completed
from boxmask.annotate.task import cut_task
from boxmask.annotate.work_folder import WorkFolder
from boxmask.annotate.workload import Inputs, Workload
from boxmask.data.strict import name_record
from boxmask.errors import InputError


def run_missing_shards(workload: Workload, inputs: Inputs, plan: Plan, work: WorkFolder) -> Made:
    """Write every part that is missing or damaged, or whose images can be used by now.

    The network is loaded only if a part is missing.
    """
    missing, reused, kept = _missing_shards(workload, plan, work)
    total, done, now = sum(shard.boxes for shard in plan.shards), reused, 0

    def count(boxes: int) -> None:
        nonlocal done
        done += boxes
        inputs.on_event(Event(MASKS, done, total, done_before=reused))

    count(0)
    tasks = (cut_task(workload, k, plan.shards[k]) for k in missing)
    with closing(engine_of(inputs, len(missing))(tasks, count)) as made:
        for task, cut_part in made:
            part = task.in_whole(cut_part)
            now += part.masks
            part = keep_masks(work.finished_part(plan, task.number), part)
            write_part(work.part(task.number), part, plan.fingerprint)
            _raise_if_strict(workload, part)
    return Made(now, kept)


def _missing_shards(workload: Workload, plan: Plan, work: WorkFolder) -> tuple[list[int], int, int]:
    """List the shards that are to be made; count the boxes of the others, and their masks."""
    missing, boxes, masks = [], 0, 0
    for k, shard in enumerate(plan.shards):
        part = work.finished_part(plan, k)
        if part is None or part_can_be_completed(workload, part):
            missing.append(k)
        else:
            boxes += shard.boxes
            masks += part.masks
            _raise_if_strict(workload, part)
    return missing, boxes, masks


def _raise_if_strict(workload: Workload, part: Part) -> None:
    """Under --strict, raise InputError for the first box of a part that has no mask."""
    skipped = np.flatnonzero(part.rows["reason"])
    if workload.job.strict and len(skipped):
        first = part.rows[skipped[0]]
        row, reason = int(first["row"]), part.reasons[first["reason"]]
        detail = part.fragment(int(skipped[0])).decode()
        image = workload.dataset.file_names[workload.dataset.image_index[row]]
        raise InputError(
            f"{name_record(workload.dataset, row)}: {reason}, image {image!r}: {detail}. "
            "Mend it, or run without --strict to have it skipped."
        )
