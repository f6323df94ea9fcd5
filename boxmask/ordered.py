"""Runs a function over many tasks on a pool, in their order and with few in memory at once."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def map_ordered(
    pool: Executor, function: Callable[[Task], Result], tasks: Iterable[Task], *, depth: int
) -> Iterator[Result]:
    """Yield function(task) of each task in order, with at most `depth` submitted and not yielded.

    Tasks are drawn only as results are taken, so that memory stays bounded.
    """
    submitted: deque[Future[Result]] = deque()
    try:
        for task in tasks:
            submitted.append(pool.submit(function, task))
            if len(submitted) >= depth:
                yield submitted.popleft().result()
        while submitted:
            yield submitted.popleft().result()
    finally:
        for future in submitted:
            future.cancel()
