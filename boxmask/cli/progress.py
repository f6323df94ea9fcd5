"""How far a command is, on standard error: a bar for people, lines for log files."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from boxmask.annotate.events import MASKS, Event, OnEvent, Stage
from boxmask.cli.printing import console, plain, say

_LINE_EVERY = 10.0  # seconds
_SOON = 1.0  # seconds, in which a rate would be chance


@contextmanager
def show_progress(*, patience: float = 0.0, quiet: bool = False) -> Iterator[OnEvent]:
    """Yield a function that shows the events of a run.

    A stage that takes less than `patience` seconds has no line in a log file; `quiet` shows none.
    """
    if quiet:
        yield lambda event: None
        return
    screen = console(err=True)
    if not screen.is_terminal:
        yield _Lines(patience).show
        return
    columns = (
        TextColumn("{task.description:<20}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=screen) as progress:
        yield _Bars(progress).show


class _Rate(ProgressColumn):
    """Boxes per second since the stage began: in a short run all boxes are done in one moment."""

    def render(self, task: Task) -> Text:
        seconds = task.finished_time or task.elapsed
        done = task.completed - task.fields["before"]
        if not task.fields["rated"] or not seconds or seconds < _SOON or done <= 0:
            return Text("")
        return Text(f"{done / seconds:.1f} boxes/s")


class _Bars:
    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.tasks: dict[Stage, TaskID] = {}

    def show(self, event: Event) -> None:
        if event.stage not in self.tasks:
            self.tasks[event.stage] = self.progress.add_task(
                plain(event.stage.title),
                total=event.total,
                completed=event.done,
                rated=event.stage == MASKS,
                before=event.done,
            )
        self.progress.update(self.tasks[event.stage], completed=event.done, total=event.total)


class _Lines:
    """A line when a stage begins and ends, and one every ten seconds between."""

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.stage: Stage | None = None
        self.began = self.said = 0.0

    def show(self, event: Event) -> None:
        now = time.monotonic()
        if event.stage != self.stage:
            self.stage, self.began, self.said = event.stage, now, 0.0
        ends = event.done == event.total > 1
        due = ends or now - self.said >= _LINE_EVERY
        if not due or now - self.began < self.patience:
            return
        self.said = now
        say(self._line(event, now - self.began), err=True)

    def _line(self, event: Event, seconds: float) -> str:
        line = event.stage.title
        if event.total > 1:
            line += f": {event.done:,} of {event.total:,}"
        boxes = event.done - event.done_before
        if event.stage == MASKS and boxes and seconds >= _SOON:
            rate = boxes / seconds
            left = (event.total - event.done) / rate
            line += f" boxes, {rate:.1f} boxes/s, {left:.0f} s left"
        return line
