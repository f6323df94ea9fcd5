"""Which boxes the network sees together: decided by their order in the shard and nothing else."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from boxmask.annotate.prepare import BoxViews
from boxmask.models import Cuts, ModelConfig
from boxmask.models.prediction import MaskPrediction, Network

# Views waiting for others of their size, in batches: what bounds memory if all sizes differ.
MAX_WAITING_BATCHES = 4


@dataclass(frozen=True)
class Batching:
    """How boxes are put into batches: masks depend on it, in their last bits."""

    images: int  # at once, for networks that see whole images
    boxes: int  # at once
    flip: bool = False  # predict twice, the second time from the mirror image

    def max_rows(self, config: ModelConfig) -> int | None:
        """Return of how many boxes of an image views are cut at once, None for all.

        With a view per box, memory is bounded by the batch, however many boxes an image has.
        """
        return self.boxes if config.view_per_box else None


def predict_in_batches(
    network: Network, prepared: Iterable[BoxViews], batching: Batching
) -> Iterator[tuple[list[BoxViews], MaskPrediction]]:
    """Predict all boxes that are prepared, views of one size together."""
    limit = batching.boxes if network.config.view_per_box else batching.images
    for group in group_by_view_size(prepared, limit=limit):
        cuts = Cuts.join([boxes.views for boxes in group if boxes.views is not None])
        yield group, network.predict(cuts, chunk=batching.boxes, flip=batching.flip)


def group_by_view_size(prepared: Iterable[BoxViews], *, limit: int) -> Iterator[list[BoxViews]]:
    """Group images by the size of their views, at most `limit` views a batch.

    An image whose views alone are more than `limit` is a batch of its own. A batch goes out when
    it is full; when too many views wait, the size that has waited longest goes.
    """
    groups: dict[tuple[int, ...], list[BoxViews]] = {}
    for boxes in prepared:
        if boxes.views is None:
            continue
        shape = tuple(boxes.views.pixels.shape[1:])
        if shape in groups and _count_views(groups[shape]) + _count_views([boxes]) > limit:
            yield groups.pop(shape)
        groups.setdefault(shape, []).append(boxes)
        while sum(map(_count_views, groups.values())) > MAX_WAITING_BATCHES * limit:
            yield groups.pop(next(iter(groups)))
    yield from groups.values()


def _count_views(group: list[BoxViews]) -> int:
    return sum(len(boxes.views.pixels) for boxes in group if boxes.views is not None)
