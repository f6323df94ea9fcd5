"""Which annotation of the output belongs to which of the input.

Shapes: N annotations of the input, K of the output.
"""

import operator
from collections import defaultdict
from collections.abc import Container, Iterator, Sequence

import numpy as np

from boxmask.dataset import Id, IntArray


def match_ids(ours: Sequence[Id], theirs: Sequence[Id]) -> IntArray:
    """Return for each of N the position among K of the annotation with its id, -1 if none.

    The first of several with one id belongs to the first, the second to the second.
    """
    if len(ours) == len(theirs) and all(map(operator.eq, ours, theirs)):
        return np.arange(len(ours), dtype=np.int64)
    places: dict[Id, list[int]] = defaultdict(list)
    for position in reversed(range(len(theirs))):
        places[_key(theirs[position])].append(position)
    waiting = (places.get(_key(id)) for id in ours)
    return np.fromiter((found.pop() if found else -1 for found in waiting), np.int64, len(ours))


def pairing_faults(
    pairs: IntArray, ours: Sequence[Id], theirs: Sequence[Id], added: Container[int] = ()
) -> Iterator[tuple[str, str]]:
    """Yield (record, what is wrong) for everything missing, moved or made up, in that order.

    What stands at the positions `added` may be there.
    """
    for row in np.flatnonzero(pairs < 0).tolist():
        yield f"annotations[{row}] (id {ours[row]!r})", "is missing from the output"
    placed = np.flatnonzero(pairs >= 0)
    for row in placed[1:][np.diff(pairs[placed]) < 0].tolist():
        yield f"annotations[{row}] (id {ours[row]!r})", "is not where it was in the input's order"
    for position in left_over(pairs, len(theirs)):
        if position not in added:
            what = "is not in the input, or less often than in the output"
            yield name_position(position, theirs), what


def left_over(pairs: IntArray, count: int) -> list[int]:
    """Return the positions among `count` that belong to no annotation of the input."""
    over = np.ones(count, np.bool_)
    over[pairs[pairs >= 0]] = False
    positions: list[int] = np.flatnonzero(over).tolist()
    return positions


def name_position(position: int, theirs: Sequence[Id]) -> str:
    """Name an annotation of the output, for a message."""
    return f"annotations[{position}] of the output (id {theirs[position]!r})"


def _key(id: Id) -> Id:
    """NaN is found in no dict, since it is not even equal to itself."""
    return id if id == id else None
