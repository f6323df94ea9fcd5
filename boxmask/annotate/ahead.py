"""Work done ahead on threads, its results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def ahead(
    pool: Executor, work: Callable[[Task], Result], tasks: Iterable[Task], *, depth: int
) -> Iterator[Result]:
    """Yield work(task) of each task in order, with at most `depth` of them under way or waiting.

    Tasks are drawn only as results are taken, so that memory stays bounded.
    """
    under_way: deque[Future[Result]] = deque()
    try:
        for task in tasks:
            under_way.append(pool.submit(work, task))
            if len(under_way) >= depth:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        for future in under_way:
            future.cancel()
