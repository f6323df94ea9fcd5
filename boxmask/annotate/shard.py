"""One shard, from image files to a part: decoding, network and encoding at the same time."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from boxmask.annotate.ahead import ahead
from boxmask.annotate.batches import in_batches
from boxmask.annotate.masks import encode_batch
from boxmask.annotate.network import Annotator, Answer
from boxmask.annotate.opening import Opened, open_image
from boxmask.annotate.parts import Outcome, Part, pack
from boxmask.annotate.plan import Shard
from boxmask.annotate.scope import Scope
from boxmask.dataset import IntArray
from boxmask.models import Views

# Batches that are with the network or being encoded at the same time.
BATCHES = 3


def run_shard(
    scope: Scope, shard: Shard, annotator: Annotator, report: Callable[[int], None]
) -> Part:
    """Make the part of a shard; its bytes do not depend on who runs it, nor on threads.

    `report` is called with the number of boxes done, again and again.
    """
    job, config = scope.job, annotator.config
    # With a view per box, an image of thousands is decoded again for each batch: memory is bounded
    # by the batch, and the network takes far longer than the decoder.
    most = job.batch_boxes if config.view_per_box else None
    limit = job.batch_boxes if config.view_per_box else job.batch_images
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

    def asked(batches: Iterator[list[Opened]]) -> Iterator[tuple[list[Opened], Answer]]:
        for group in batches:
            views = Views.join([one.views for one in group if one.views is not None])
            yield group, annotator.ask(views, chunk=job.batch_boxes)

    def encode_one(task: tuple[list[Opened], Answer]) -> list[Outcome]:
        return encode_batch(*task, polygons=job.polygons)

    with ThreadPoolExecutor(job.threads) as pool:
        opened = ahead(pool, open_one, scope.wanted(shard, most=most), depth=2 * job.threads)
        batches = in_batches(noted(opened), limit=limit)
        for done in ahead(pool, encode_one, asked(batches), depth=BATCHES):
            outcomes += done
            report(len(done))
    return pack(outcomes, sizes)
