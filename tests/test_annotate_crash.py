"""Whatever moment a run is killed at, the same command writes what an unbroken run would have."""

import errno
import multiprocessing
import os
import random
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import torch
from annotation_files import annotate, boxes_of, make_job, photos
from waiting import LONG

from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.work_folder import WorkFolder, hold_lock
from boxmask.errors import RunError

# The calls between which the state on the disk changes.
DURABLE = ("fsync", "replace", "rename", "unlink", "mkdir", "rmdir")


def tick_before(calls: Callable[[], None]) -> None:
    """Have `calls` called before each durable call of this process."""
    for name in DURABLE:
        original = getattr(os, name)

        def hooked(*args: Any, original: Callable[..., Any] = original, **options: Any) -> Any:
            calls()
            return original(*args, **options)

        setattr(os, name, hooked)


def run_and_die(job: AnnotateJob, at: int) -> None:
    """Run a job and be killed before the durable call number `at`, counted from 0."""
    torch.set_num_threads(1)
    left = at

    def tick() -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    tick_before(tick)
    annotate(job)


def run_whole(job: AnnotateJob) -> None:
    """Run a job on one thread."""
    torch.set_num_threads(1)
    annotate(job)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sum in the same order as the processes that are killed."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Start processes that have imported everything already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["boxmask.annotate.shards", "boxmask.annotate.network"])
    return context


@pytest.fixture
def job(tmp_path: Path) -> AnnotateJob:
    return make_job(tmp_path, boxes_of(4, 2))


@pytest.fixture
def whole(job: AnnotateJob) -> bytes:
    """The bytes of an unbroken run, beside the job's own output."""
    unbroken = replace(job, out=job.out.with_name("unbroken.json"))
    annotate(unbroken)
    return unbroken.out.read_bytes()


def wipe(job: AnnotateJob) -> None:
    """Forget all that a run of the job has written."""
    work = WorkFolder(job.out)
    for path in (*work.path.glob("*"), work.plan, work.out, work.log):
        path.unlink(missing_ok=True)
    for place in job.exports.values():
        shutil.rmtree(place, ignore_errors=True)


def exit_of(process: BaseProcess) -> int:
    """Wait until a process has ended, and tell how."""
    process.join(LONG)
    assert process.exitcode is not None, "a run hangs"
    return process.exitcode


def test_killed_at_every_durable_call(
    job: AnnotateJob, whole: bytes, processes: ForkServerContext
) -> None:
    job = replace(job, exports={"yolo": job.out.with_name("yolo")})
    survived = at = 0
    while not survived:
        wipe(job)
        process = processes.Process(target=run_and_die, args=(job, at))
        process.start()
        survived = exit_of(process) == 0
        assert survived or process.exitcode == -signal.SIGKILL
        annotate(job)
        assert job.out.read_bytes() == whole, f"killed before call {at}"
        assert not WorkFolder(job.out).path.exists()
        at += 1
    assert at > 2 * 3 + 12  # two shards: parts, plan, log, output, exports


def test_killed_at_every_durable_call_of_a_retry(
    job: AnnotateJob, whole: bytes, processes: ForkServerContext, tmp_path: Path
) -> None:
    image, away = photos(job) / "3.png", tmp_path / "3.png"
    survived = at = 0
    while not survived:
        wipe(job)
        image.rename(away)
        annotate(job)
        away.rename(image)
        process = processes.Process(target=run_and_die, args=(job, at))
        process.start()
        survived = exit_of(process) == 0
        assert survived or process.exitcode == -signal.SIGKILL
        annotate(job)
        assert job.out.read_bytes() == whole, f"killed before call {at}"
        assert not WorkFolder(job.out).path.exists()
        assert not WorkFolder(job.out).log.exists()
        at += 1
    assert at > 2 * 3 + 8


def test_killed_again_and_again(
    job: AnnotateJob, whole: bytes, processes: ForkServerContext
) -> None:
    job = replace(job, shard_boxes=1)
    exits: list[int] = []
    while 0 not in exits and len(exits) < 20:
        process = processes.Process(target=run_and_die, args=(job, 11))
        process.start()
        exits.append(exit_of(process))
    assert exits[-1] == 0 and exits.count(-signal.SIGKILL) > 2
    assert job.out.read_bytes() == whole


def test_killed_at_random_moments(
    job: AnnotateJob, whole: bytes, processes: ForkServerContext
) -> None:
    moments = random.Random(0)
    killed, longest = 0, 0.6
    while killed < 4:
        wipe(job)
        process = processes.Process(target=run_whole, args=(job,))
        process.start()
        process.join(moments.uniform(0, longest))
        if process.is_alive():
            process.kill()
            killed += 1
        else:
            longest *= 0.8  # a fast machine was done before: interrupt it sooner
        exit_of(process)
        annotate(job)
        assert job.out.read_bytes() == whole


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:-20] + bytes([data[-20] ^ 4]) + data[-19:],
        lambda data: b"garbage",
        lambda data: b"",
    ],
    ids=["truncated", "flipped", "garbage", "empty"],
)
def test_a_part_damaged_by_hand_is_made_again(
    job: AnnotateJob,
    whole: bytes,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[bytes], bytes],
) -> None:
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("boxmask.annotate.run.merge_parts", interrupt)
        annotate(job)
    part = WorkFolder(job.out).part(1)
    part.write_bytes(spoil(part.read_bytes()))
    summary = annotate(job)
    assert (summary.predicted, summary.reused) == (4, 4)
    assert job.out.read_bytes() == whole


def interrupt(*_: object) -> None:
    """Interrupt a run here."""
    raise KeyboardInterrupt


def test_a_second_run_on_the_same_work_folder_refuses_before_it_reads_the_boxes(
    job: AnnotateJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = WorkFolder(job.out).path
    work.mkdir()
    with hold_lock(work), monkeypatch.context() as patch:
        patch.setattr("boxmask.annotate.workload.read", None)
        with pytest.raises(RunError, match="another run is at work here"):
            annotate(job)
    assert annotate(job).predicted == 8


def hold(work: Path, held: "multiprocessing.synchronize.Event") -> None:
    """Hold a work folder until killed."""
    with hold_lock(work):
        held.set()
        time.sleep(2 * LONG)


def test_a_killed_run_frees_its_work_folder(job: AnnotateJob, processes: ForkServerContext) -> None:
    work = WorkFolder(job.out).path
    work.mkdir()
    held = processes.Event()
    process = processes.Process(target=hold, args=(work, held))
    process.start()
    assert held.wait(LONG), "the work folder is not held"
    with pytest.raises(RunError, match="another run"):
        annotate(job)
    process.kill()
    exit_of(process)
    assert annotate(job).predicted == 8


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let this process write no file beyond a size, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [100, 900, 1500])
def test_a_full_disk_is_a_plain_error_and_the_run_goes_on_later(
    job: AnnotateJob, whole: bytes, size: int
) -> None:
    with (
        largest_file(size),
        pytest.raises(RunError, match=f"{job.out}: cannot be used, .*make room"),
    ):
        annotate(job)
    assert not job.out.exists() or job.out.read_bytes() == whole
    annotate(job)
    assert job.out.read_bytes() == whole


def test_another_failure_of_the_disk_is_plain_and_not_called_full(
    job: AnnotateJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(handle: int) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(RunError, match=r"Input/output error.*: mend that and run the same"):
        annotate(job)


def test_a_folder_that_cannot_be_made_is_named(
    job: AnnotateJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, "no", str(path))

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(RunError, match=f"{WorkFolder(job.out).path}: .*Permission denied"):
        annotate(job)
