"""One shard, from image files to a part: decoding, network and encoding at the same time."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from boxmask.annotate.ahead import ahead
from boxmask.annotate.asking import Batching, ask_in_batches, most_rows
from boxmask.annotate.masks import encode_batch
from boxmask.annotate.network import Annotator, Answer
from boxmask.annotate.opening import Opened, open_image
from boxmask.annotate.parts import Outcome, Part, pack
from boxmask.annotate.plan import Shard
from boxmask.annotate.scope import Scope
from boxmask.dataset import IntArray

# Batches that are with the network or being encoded at the same time.
BATCHES = 3


def run_shard(
    scope: Scope, shard: Shard, annotator: Annotator, report: Callable[[int], None]
) -> Part:
    """Make the part of a shard; its bytes do not depend on who runs it, nor on threads.

    `report` is called with the number of boxes done, again and again.
    """
    job, config = scope.job, annotator.config
    batching = Batching(job.batch_images, job.batch_boxes, flip=job.flip)
    outcomes: list[Outcome] = []
    sizes: dict[int, tuple[int, int]] = {}

    def open_one(task: tuple[int, IntArray]) -> list[Opened]:
        return open_image(scope, config, image=task[0], rows=task[1])

    def noted(opened: Iterator[list[Opened]]) -> Iterator[Opened]:
        for one in chain.from_iterable(opened):
            outcomes.extend(one.skipped)
            if one.size is not None:
                sizes[one.image] = one.size
            report(len(one.skipped))
            yield one

    def encode_one(task: tuple[list[Opened], Answer]) -> list[Outcome]:
        return encode_batch(*task, polygons=job.polygons)

    with ThreadPoolExecutor(job.threads) as pool:
        tasks = scope.wanted(shard, most=most_rows(config, batching))
        opened = ahead(pool, open_one, tasks, depth=2 * job.threads)
        answers = ask_in_batches(annotator, noted(opened), batching)
        for done in ahead(pool, encode_one, answers, depth=BATCHES):
            outcomes += done
            report(len(done))
    return pack(outcomes, sizes)
