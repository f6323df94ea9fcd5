"""Which boxes the network sees together: decided by their order in the shard and nothing else."""

from collections.abc import Iterable, Iterator

from boxmask.annotate.opening import Opened

# Views waiting for others of their size, in batches: what bounds memory if all sizes differ.
WAITING = 4


def in_batches(opened: Iterable[Opened], *, limit: int) -> Iterator[list[Opened]]:
    """Group images by the size of their views, at most `limit` views a batch.

    An image whose views alone are more than `limit` is a batch of its own. A batch goes out when
    it is full; when too many views wait, the size that has waited longest goes.
    """
    waiting: dict[tuple[int, ...], list[Opened]] = {}
    for one in opened:
        if one.views is None:
            continue
        shape = tuple(one.views.pixels.shape[1:])
        if shape in waiting and _views(waiting[shape]) + _views([one]) > limit:
            yield waiting.pop(shape)
        waiting.setdefault(shape, []).append(one)
        while sum(map(_views, waiting.values())) > WAITING * limit:
            yield waiting.pop(next(iter(waiting)))
    yield from waiting.values()


def _views(group: list[Opened]) -> int:
    return sum(len(one.views.pixels) for one in group if one.views is not None)
