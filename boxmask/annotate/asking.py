"""The network is asked about many boxes: which of them at once, and whether twice."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from boxmask.annotate.batches import in_batches
from boxmask.annotate.network import Annotator, Answer
from boxmask.annotate.opening import Opened
from boxmask.models import ModelConfig, Views


@dataclass(frozen=True)
class Batching:
    """How the network is asked: masks depend on it, in their last bits."""

    images: int  # at once, for networks that see whole images
    boxes: int  # at once
    flip: bool = False  # ask twice, the second time about the mirror image


def most_rows(config: ModelConfig, batching: Batching) -> int | None:
    """Return of how many boxes of an image views are cut at once, None for all.

    With a view per box, an image of thousands is decoded again for each batch: memory is bounded by
    the batch, and the network takes far longer than the decoder.
    """
    return batching.boxes if config.view_per_box else None


def ask_in_batches(
    annotator: Annotator, opened: Iterable[Opened], batching: Batching
) -> Iterator[tuple[list[Opened], Answer]]:
    """Ask about all boxes that are opened, views of one size together."""
    limit = batching.boxes if annotator.config.view_per_box else batching.images
    for group in in_batches(opened, limit=limit):
        views = Views.join([one.views for one in group if one.views is not None])
        yield group, annotator.ask(views, chunk=batching.boxes, flip=batching.flip)
