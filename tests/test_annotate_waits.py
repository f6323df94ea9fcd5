"""No run and no worker waits for ever for one that has died, or does as if."""

import os
import pickle
import signal
import subprocess
import threading
from collections.abc import Iterator
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest
from annotation_files import annotate, make_job, silent
from waiting import LONG

from boxmask.annotate.engines import worker, workers
from boxmask.annotate.engines.base import Setup
from boxmask.annotate.workload import Inputs
from boxmask.errors import RunError


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """The workers that a test starts, whose ends of the pipes another process might keep open."""
    found: list[subprocess.Popen[bytes]] = []
    kept: list[int] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            found.append(self)
            kept.append(os.dup(options["pass_fds"][0]))

    monkeypatch.setattr(subprocess, "Popen", Noted)
    yield found
    for handle in kept:
        os.close(handle)


class Unreadable:
    """What cannot be made from its bytes."""

    def __reduce__(self) -> tuple[type[int], tuple[str]]:
        return int, ("a task",)


def test_a_task_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "_exit", int)  # here only the receiving thread ends
    pipe, other = Pipe()
    pipe.send(Setup(make_job(tmp_path), "cpu", "fp32"))
    pipe.send_bytes(pickle.dumps(Unreadable()))
    with pipe, other:
        working = threading.Thread(target=worker.main, args=(os.dup(other.fileno()),), daemon=True)
        working.start()
        assert pipe.poll(LONG) and pipe.recv() is None  # ready
        assert pipe.poll(LONG), "it waits for a task that it cannot get"
        error = pipe.recv()
        working.join(LONG)
    assert isinstance(error, ValueError) and "a task" in str(error)


def test_a_worker_that_does_not_end_when_it_is_let_go_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list["subprocess.Popen[bytes]"]
) -> None:
    monkeypatch.setattr(workers, "_MODULE", "lingering_worker")
    engine = workers.run_in_workers(Inputs(make_job(tmp_path), "cpu", "fp32", silent), 1)
    assert not list(engine(iter(()), lambda boxes: None))
    assert [process.returncode for process in started] == [-signal.SIGKILL]


def test_a_worker_that_closes_its_pipe_and_lives_on_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_MODULE", "mute_worker")
    monkeypatch.setattr(workers, "LAST", 0.01)
    with pytest.raises(RunError, match=r"died 3 times starting: SIGKILL"):
        annotate(make_job(tmp_path, workers=2))


def test_a_worker_that_dies_is_noticed_although_its_pipe_has_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list["subprocess.Popen[bytes]"]
) -> None:
    monkeypatch.setattr(workers, "_MODULE", "dying_worker")
    monkeypatch.setattr(workers, "LOOK", 0.01)
    with pytest.raises(RunError, match=r"died 3 times starting: SIGKILL"):
        annotate(make_job(tmp_path, workers=2))
    assert len(started) <= 4
