"""Ids as they were written: in a compact column when they are whole numbers, looked up by value."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, repeat
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from boxmask.dataset import Id
from boxmask.errors import InputError

_ID = "boxmask-{}"  # among ids that are not all whole numbers


def compact(ids: Sequence[Id]) -> Sequence[Id]:
    """Store ids compactly if all are 64-bit whole numbers, else as they are."""
    try:
        return array("q", cast(Sequence[int], ids))
    except (TypeError, OverflowError):
        return tuple(ids)


def duplicates(ids: Sequence[Id]) -> list[tuple[int, int]]:
    """Return (first position, later position) for each id that was there before."""
    if len(set(ids)) == len(ids):
        return []
    first: dict[Id, int] = {}
    pairs = []
    for position, id in enumerate(ids):
        before = first.setdefault(id, position)
        if before != position and id is not None:
            pairs.append((before, position))
    return pairs


def unique_positions(ids: Sequence[Id], path: Path, what: str) -> dict[Id, int]:
    """Map each id to its position; a missing or repeated id is an InputError naming the records."""
    for position, id in enumerate(ids):
        if id is None:
            raise InputError(
                f"{path}: {what}[{position}] has no usable id; give every record of {what} an id "
                "that is a number or a text."
            )
    for before, position in duplicates(ids):
        raise InputError(
            f"{path}: {what}[{before}] and {what}[{position}] both have the id {ids[position]!r}; "
            "ids must be unique, or boxes cannot be matched to their images."
        )
    return {id: position for position, id in enumerate(ids)}


def positions_of(positions: dict[Id, int], ids: Iterable[Id]) -> npt.NDArray[np.int32]:
    """Return the position of each id, -1 for an unknown one."""
    return np.fromiter(map(positions.get, ids, repeat(-1)), np.int32)


def free_ids(taken: Sequence[Id]) -> Iterator[Id]:
    """Yield ids that are not taken: numbers above all where all are whole numbers, else texts."""
    if all(isinstance(id, int) for id in taken):
        numbers = [id for id in taken if isinstance(id, int)]
        yield from count(max([0, *numbers]) + 1)
    else:
        known = set(taken)
        yield from (id for id in map(_ID.format, count(1)) if id not in known)
