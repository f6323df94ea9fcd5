"""What is read once on each machine is the same in all its processes, and leaves nothing behind."""

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from training_files import write_dataset

from boxmask.data import segmentation
from boxmask.errors import InputError, RunError
from boxmask.train.data.sources import open_sources
from boxmask.train.distributed import Processes
from boxmask.train.sharing import once_a_machine

T = TypeVar("T")
CPU = torch.device("cpu")


@dataclass
class Meeting:
    """Where the threads that stand for processes meet."""

    count: int
    values: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.barrier = Barrier(self.count)


@dataclass(frozen=True)
class Thread(Processes):
    """A thread in the place of a process."""

    meeting: Meeting = field(default_factory=lambda: Meeting(1))

    def gather(self, value: T) -> list[T]:
        """Exchange values with the other threads."""
        self.meeting.values[self.rank] = value
        self.wait()
        return [self.meeting.values[rank] for rank in range(self.count)]

    def wait(self) -> None:
        """Wait for the other threads."""
        self.meeting.barrier.wait()


def run_in_all(make: Callable[[], T], machines: str) -> list[T | BaseException]:
    """Share what is made among threads, each on the machine of its letter."""
    meeting = Meeting(len(machines))
    everyone = [
        Thread(rank, len(machines), CPU, name, name not in machines[:rank], meeting=meeting)
        for rank, name in enumerate(machines)
    ]
    with ThreadPoolExecutor(len(machines)) as pool:
        ends = [pool.submit(once_a_machine, make, one) for one in everyone]
        return [end.exception() or end.result() for end in ends]


def test_a_dataset_is_read_once_on_each_machine(tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "data")
    made = []

    def read() -> Any:
        made.append(open_sources([path], [path.parent / "images"], seen="dog"))
        return made[-1]

    found: Any = run_in_all(read, "abab")
    assert len(made) == 2
    (one,) = made[0]
    for (source,) in found:
        assert source is not one and source.dataset.file_names == one.dataset.file_names
        assert source.seen.tolist() == [True, False, False]
        for name in ("boxes", "image_index", "has_mask", "faults"):
            mine, theirs = getattr(source.dataset, name), getattr(one.dataset, name)
            assert np.array_equal(mine, theirs) and mine.dtype == theirs.dtype
            assert not mine.flags.owndata  # it lies in the file
        assert segmentation(source.dataset, 4, (96, 96)) == segmentation(one.dataset, 4, (96, 96))
    found[0][0].dataset.boxes[0] = -1.0  # what one changes no other sees
    assert (found[2][0].dataset.boxes[0] >= 0).all()


def test_nothing_has_a_name_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen = []

    def make() -> Any:
        seen.append(list(tmp_path.iterdir()))
        return np.arange(1 << 16)

    found: Any = run_in_all(make, "aa")
    assert all(np.array_equal(one, np.arange(1 << 16)) for one in found)
    assert seen == [[]] and not list(tmp_path.iterdir())


def test_what_one_cannot_read_ends_all() -> None:
    def fail() -> None:
        raise InputError("boxes.json: no such file")

    ends = run_in_all(fail, "abab")
    assert all(isinstance(end, InputError) and "no such file" in str(end) for end in ends)


def test_an_error_that_cannot_be_sent_is_told_in_words() -> None:
    class HereAlone(Exception):
        pass

    def fail() -> None:
        raise HereAlone("strange")

    (one, other) = run_in_all(fail, "aa")
    assert isinstance(one, RunError) and isinstance(other, RunError) and "strange" in str(one)


def test_one_process_shares_nothing() -> None:
    value = np.arange(3)
    assert once_a_machine(lambda: value, Processes(0, 1, CPU)) is value
