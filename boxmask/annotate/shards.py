"""Shards, from image files to parts: decoding, network and encoding at the same time."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from boxmask.annotate.batches import Batching, predict_in_batches
from boxmask.annotate.encode import encode_batch
from boxmask.annotate.parts import Outcome, Part, pack
from boxmask.annotate.plan import Shard
from boxmask.annotate.prepare import BoxViews, prepare_image
from boxmask.annotate.shared_images import SharedImages
from boxmask.annotate.workload import Workload
from boxmask.dataset import IntArray
from boxmask.models.prediction import MaskPrediction, Network
from boxmask.ordered import map_ordered

# Batches that are with the network or being encoded at the same time.
BATCHES_IN_FLIGHT = 3


def run_shard(
    workload: Workload, shard: Shard, network: Network, on_boxes: Callable[[int], None]
) -> Part:
    """Make the part of a shard; its bytes do not depend on who runs it, nor on threads.

    `on_boxes` is called with the number of boxes that were done since the last call.
    """
    job, config = workload.job, network.config
    batching = Batching(job.batch_images, job.batch_boxes, flip=job.flip)
    outcomes: list[Outcome] = []
    sizes: dict[int, tuple[int, int]] = {}

    def prepare(task: tuple[int, IntArray]) -> list[BoxViews]:
        return prepare_image(workload, config, image=task[0], rows=task[1], images=images)

    def noted(prepared: Iterator[list[BoxViews]]) -> Iterator[BoxViews]:
        for boxes in chain.from_iterable(prepared):
            outcomes.extend(boxes.skipped)
            if boxes.size is not None:
                sizes[boxes.image] = boxes.size
            on_boxes(len(boxes.skipped))
            yield boxes

    def encode(task: tuple[list[BoxViews], MaskPrediction]) -> list[Outcome]:
        return encode_batch(*task, job)

    at_once = batching.max_rows(config)
    with (
        SharedImages(workload, range(shard.first, shard.stop), at_once=at_once) as images,
        ThreadPoolExecutor(job.decoders) as pool,
    ):
        tasks = workload.rows_to_predict(shard, at_once=at_once)
        prepared = map_ordered(pool, prepare, tasks, depth=2 * job.decoders)
        predicted = predict_in_batches(network, noted(prepared), batching)
        for batch in map_ordered(pool, encode, predicted, depth=BATCHES_IN_FLIGHT):
            outcomes += batch
            on_boxes(len(batch))
    return pack(outcomes, sizes)
