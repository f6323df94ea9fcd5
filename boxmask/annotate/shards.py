"""Shards, from image files to parts: decoding, network and encoding at the same time."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import numpy as np

from boxmask.annotate.batches import Batching, predict_in_batches
from boxmask.annotate.encode import encode_batch
from boxmask.annotate.events import MASKS, Event, Made
from boxmask.annotate.network import DeviceNetwork
from boxmask.annotate.parts import Outcome, Part, pack, write_part
from boxmask.annotate.plan import Plan, Shard
from boxmask.annotate.prepare import BoxViews, prepare_image
from boxmask.annotate.retry import keep_masks, part_can_be_completed
from boxmask.annotate.work_folder import WorkFolder
from boxmask.annotate.workload import Inputs, Workload
from boxmask.data.strict import name_record
from boxmask.dataset import IntArray
from boxmask.errors import InputError
from boxmask.models.inference import MaskPrediction
from boxmask.ordered import map_ordered

# Batches that are with the network or being encoded at the same time.
BATCHES_IN_FLIGHT = 3


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
    for k in missing:
        part = run_shard(workload, plan.shards[k], inputs.network, count)
        now += part.masks
        part = keep_masks(work.finished_part(plan, k), part)
        write_part(work.part(k), part, plan.fingerprint)
        _raise_if_strict(workload, part)
    return Made(now, kept)


def run_shard(
    workload: Workload, shard: Shard, network: DeviceNetwork, on_boxes: Callable[[int], None]
) -> Part:
    """Make the part of a shard; its bytes do not depend on who runs it, nor on threads.

    `on_boxes` is called with the number of boxes that were done since the last call.
    """
    job, config = workload.job, network.config
    batching = Batching(job.batch_images, job.batch_boxes, flip=job.flip)
    outcomes: list[Outcome] = []
    sizes: dict[int, tuple[int, int]] = {}

    def prepare(task: tuple[int, IntArray]) -> list[BoxViews]:
        return prepare_image(workload, config, image=task[0], rows=task[1])

    def noted(prepared: Iterator[list[BoxViews]]) -> Iterator[BoxViews]:
        for boxes in chain.from_iterable(prepared):
            outcomes.extend(boxes.skipped)
            if boxes.size is not None:
                sizes[boxes.image] = boxes.size
            on_boxes(len(boxes.skipped))
            yield boxes

    def encode(task: tuple[list[BoxViews], MaskPrediction]) -> list[Outcome]:
        return encode_batch(*task, job)

    with ThreadPoolExecutor(job.decoders) as pool:
        tasks = workload.rows_to_predict(shard, at_once=batching.max_rows(config))
        prepared = map_ordered(pool, prepare, tasks, depth=2 * job.decoders)
        predicted = predict_in_batches(network, noted(prepared), batching)
        for batch in map_ordered(pool, encode, predicted, depth=BATCHES_IN_FLIGHT):
            outcomes += batch
            on_boxes(len(batch))
    return pack(outcomes, sizes)


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
