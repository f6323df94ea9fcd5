"""The engine of several processes on this machine, each with its own network.

A worker has one task at a time. When a worker dies, another is started in its place, and does its
task from the start.
"""

import signal
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait

from boxmask.annotate.engines.base import Engine, OnBoxes, Parts, Setup
from boxmask.annotate.engines.devices import count_gpus, deal_out
from boxmask.annotate.parts import Part
from boxmask.annotate.task import Task
from boxmask.annotate.workload import Inputs
from boxmask.errors import RunError

MAX_DEATHS = 3  # over one task: it is then the task that kills
LOOK = 5.0  # seconds after which it is looked which workers are there
LAST = 10.0  # seconds that a worker has to end once its pipe has
_MAIN = "import sys; sys.path[:] = {path!r}; from {module} import main; main({handle})"
_MODULE = "boxmask.annotate.engines.worker"


@dataclass(eq=False)
class _Worker:
    """A worker as the run sees it."""

    place: int
    process: subprocess.Popen[bytes]
    task: Task | None = None
    counted: int = 0  # boxes of its task that it says are done

    def why_dead(self) -> str:
        """Say how the process has ended, which has closed its pipe or does so now."""
        try:
            status = self.process.wait(LAST)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def run_in_workers(inputs: Inputs, count: int) -> Engine:
    """Make parts in so many processes."""

    def run(tasks: Iterator[Task], on_boxes: OnBoxes) -> Parts:
        setup = Setup.of(inputs)
        devices = deal_out(setup.device, count, gpus=count_gpus(setup.device))
        crew = _Crew([replace(setup, device=device) for device in devices], tasks, on_boxes)
        try:
            for place in range(count):
                crew.start(place)
            yield from crew.parts()
        finally:
            crew.end()

    return run


class _Crew:
    """The workers of a run, by their pipes, and the tasks that are left for them."""

    def __init__(self, setups: list[Setup], tasks: Iterator[Task], on_boxes: OnBoxes) -> None:
        self.setups = setups  # by place
        self.tasks = tasks
        self.on_boxes = on_boxes
        self.workers: dict[Connection, _Worker] = {}
        self.lost: deque[Task] = deque()
        self.deaths: Counter[int] = Counter()  # by task; -1 for those that had none

    def start(self, place: int) -> None:
        """Start a worker."""
        pipe, other = Pipe()
        with other, _not_interrupted():
            handle = other.fileno()
            main = _MAIN.format(path=sys.path, module=_MODULE, handle=handle)
            # -P: no module out of the user's current folder.
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", main],
                pass_fds=[handle],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        self.workers[pipe] = _Worker(place, process)
        with suppress(OSError):  # it has died: its pipe will say so
            pipe.send(self.setups[place])

    def parts(self) -> Parts:
        """Yield each task with its part as it is done."""
        while self.workers:
            for pipe in self._heard_of():
                try:
                    message = pipe.recv()
                except (EOFError, OSError):
                    self._replace(pipe)
                    continue
                yield from self._take(pipe, message)

    def _heard_of(self) -> list[Connection]:
        """Wait for messages; replace workers that have died without an end of their pipe.

        A process that our program has forked meanwhile keeps such a pipe open.
        """
        ready = [pipe for pipe in wait(list(self.workers), LOOK) if isinstance(pipe, Connection)]
        for pipe, worker in list(self.workers.items()):
            if worker.process.poll() is not None and not pipe.poll():
                self._replace(pipe)
        return ready

    def end(self) -> None:
        """End all workers; none of them has anything that is to be kept."""
        for worker in self.workers.values():
            worker.process.kill()
        for pipe, worker in self.workers.items():
            pipe.close()
            worker.process.wait()

    def _take(self, pipe: Connection, message: object) -> Parts:
        worker = self.workers[pipe]
        if isinstance(message, BaseException):
            raise message
        if isinstance(message, int):
            worker.counted += message
            self.on_boxes(message)
            return
        done = worker.task
        self._give(pipe, worker)  # before the part is written: the worker need not wait for that
        if isinstance(message, Part):
            assert done is not None
            yield done, message

    def _give(self, pipe: Connection, worker: _Worker) -> None:
        """Give a worker its next task, or let it go."""
        worker.task = self.lost.popleft() if self.lost else next(self.tasks, None)
        worker.counted = 0
        if worker.task is not None:
            with suppress(OSError):  # it has died: its pipe will say so
                pipe.send(worker.task)
            return
        pipe.close()
        worker.process.kill()
        worker.process.wait()
        del self.workers[pipe]

    def _replace(self, pipe: Connection) -> None:
        """Start a worker in the place of one that has died, and keep its task for the next."""
        worker = self.workers.pop(pipe)
        pipe.close()
        why = worker.why_dead()
        self.on_boxes(-worker.counted)
        if worker.task is not None:
            self.lost.append(worker.task)
        self._count_death(worker.task, why)
        self.start(worker.place)

    def _count_death(self, task: Task | None, why: str) -> None:
        number = -1 if task is None else task.number
        self.deaths[number] += 1
        if self.deaths[number] < MAX_DEATHS:
            return
        doing = "starting" if task is None else f"at shard {number}, {task.images}"
        raise RunError(
            f"a worker has died {MAX_DEATHS} times {doing}: {why}. If that is for want of memory, "
            "give fewer --workers or --decoders and run the same command again; it goes on with "
            "the shards that are finished."
        )


@contextmanager
def _not_interrupted() -> Iterator[None]:
    """Start processes to which Ctrl-C means nothing: the run itself ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
