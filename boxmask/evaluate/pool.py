"""Runs functions over many tasks on all cores, in order, with few of them in memory at once."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import TracebackType
from typing import Self, TypeVar

from boxmask.ordered import map_ordered

Task = TypeVar("Task")
Result = TypeVar("Result")


class Pool:
    """Processes that start when they are first needed; one worker is this process itself."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        # Spawned, since a fork of a process that has run torch or OpenCV threads may hang.
        context = get_context("spawn")
        self._executor = ProcessPoolExecutor(workers, context) if workers > 1 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    def in_order(
        self, function: Callable[[Task], Result], tasks: Iterable[Task]
    ) -> Iterator[Result]:
        """Yield function(task) for each task, taking tasks only as results are taken."""
        if self._executor is None:
            yield from map(function, tasks)
            return
        yield from map_ordered(self._executor, function, tasks, depth=2 * self.workers)
