"""Several processes write what one writes, whichever of them dies on the way."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from annotation_files import Json, annotate, boxes_of, make_job, silent, window_job, workload_of
from waiting import LONG, wait_until

from boxmask.annotate import run
from boxmask.annotate.engines import worker, workers
from boxmask.annotate.engines.base import Setup
from boxmask.annotate.engines.devices import deal_out
from boxmask.annotate.events import MASKS, Event
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.network import DeviceNetwork
from boxmask.annotate.plan import cut_shards
from boxmask.annotate.shards import run_shard
from boxmask.annotate.task import cut_task
from boxmask.annotate.work_folder import WorkFolder
from boxmask.annotate.workload import Inputs
from boxmask.errors import ConfigError, RunError
from boxmask.models.weights import load_network, save_network


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """The workers that a test starts; none of them may outlive its run."""
    found: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            found.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    yield found
    assert all(process.returncode is not None for process in found)


def bundled_job(folder: Path, data: Json, **changes: Any) -> AnnotateJob:
    """Make a job of the bundled network, whose workers start without PyTorch."""
    return replace(make_job(folder, data, **changes), weights=None)


def by_one(job: AnnotateJob) -> bytes:
    """The bytes that one process writes, beside the job's own output."""
    alone = replace(job, out=job.out.with_name("alone.json"), workers=1)
    annotate(alone)
    return alone.out.read_bytes()


@pytest.mark.parametrize("make", [make_job, window_job])
def test_a_task_gives_the_part_that_its_shard_gives_in_the_whole(tmp_path: Path, make: Any) -> None:
    data = boxes_of(6, 3)
    data["annotations"] = data["annotations"][::-2] + data["annotations"][::2]
    data["annotations"][3]["bbox"] = None
    job = make(tmp_path, data)
    (job.images / "4.png").unlink()
    workload = workload_of(job)
    network = DeviceNetwork.load(job.weights, device="cpu", precision="fp32", threads=1)
    for k, shard in enumerate(cut_shards(workload.wanted_by_image, size=4)):
        task = cut_task(workload, k, shard)
        part = task.in_whole(run_shard(task.workload, task.shard, network, lambda boxes: None))
        whole = run_shard(workload, shard, network, lambda boxes: None)
        assert np.array_equal(part.rows, whole.rows) and len(part.rows)
        assert np.array_equal(part.images, whole.images)
        assert (part.reasons, part.fragments) == (whole.reasons, whole.fragments)


def test_a_worker_that_is_killed_loses_nothing(
    tmp_path: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    job = bundled_job(tmp_path, boxes_of(12, 3), workers=2, batch_boxes=1)
    whole, counted = by_one(job), [0]

    def kill_in_the_middle(event: Event) -> None:
        if event.stage == MASKS:
            counted.append(event.done)
            if event.done and len(started) == 2:
                started[0].kill()
                started[0].wait()

    summary = run.annotate(job, kill_in_the_middle)
    assert job.out.read_bytes() == whole
    assert (summary.predicted, counted[-1], len(started)) == (36, 36, 3)
    assert not WorkFolder(job.out).path.exists()


def test_an_error_in_a_worker_is_told_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(tmp_path, boxes_of(4, 3))
    assert job.weights is not None
    network, _ = load_network(job.weights)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(float("nan"))
    save_network(job.weights, network, {})
    pipe, other = Pipe()
    workload = workload_of(job)
    pipe.send(Setup(job, "cpu", "fp32"))
    pipe.send(cut_task(workload, 0, cut_shards(workload.wanted_by_image, size=4)[0]))
    monkeypatch.setattr(os, "_exit", int)  # here only the receiving thread ends
    worker.main(os.dup(other.fileno()))
    assert pipe.recv() is None  # ready
    while isinstance(error := pipe.recv(), int):
        assert error == 0  # no box was skipped
    assert isinstance(error, RunError) and "not finite" in str(error)
    assert "run_shard" in error.__notes__[0]
    pipe.close()
    for thread in threading.enumerate():
        if thread.name == worker.RECEIVER:
            thread.join(LONG)
            assert not thread.is_alive(), "the thread that receives goes on without its pipe"


def test_an_error_of_a_worker_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list["subprocess.Popen[bytes]"]
) -> None:
    monkeypatch.setattr(workers, "_MODULE", "failing_worker")
    with pytest.raises(RunError, match=r"^sent by a worker$"):
        annotate(make_job(tmp_path, workers=2))
    assert len(started) == 2


def test_a_shard_that_kills_every_worker_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list["subprocess.Popen[bytes]"]
) -> None:
    monkeypatch.setattr(workers, "_MODULE", "dying_worker")
    with pytest.raises(RunError, match=r"died 3 times starting: SIGKILL.*fewer --workers"):
        annotate(make_job(tmp_path, workers=2))
    assert len(started) <= 4


@pytest.mark.parametrize(
    ("device", "gpus", "devices"),
    [
        ("cuda", 8, [f"cuda:{k}" for k in range(8)] + ["cuda:0"]),
        ("cuda", 2, ["cuda:0", "cuda:1"] * 4 + ["cuda:0"]),
        ("cuda:1", 8, ["cuda:1"] * 9),
        ("cpu", 8, ["cpu"] * 9),
    ],
)
def test_workers_get_the_gpus_in_turn_unless_one_is_named(
    device: str, gpus: int, devices: list[str]
) -> None:
    assert deal_out(device, 9, gpus=gpus) == devices


def test_each_worker_is_told_its_own_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list["subprocess.Popen[bytes]"]
) -> None:
    monkeypatch.setattr(workers, "_MODULE", "telling_worker")
    monkeypatch.setattr(workers, "count_gpus", lambda device: 2)
    told: list[int] = []
    engine = workers.run_in_workers(Inputs(make_job(tmp_path), "cuda", "fp32", silent), 3)
    assert not list(engine(iter(()), told.append))
    assert sorted(told) == [0, 0, 1] and len(started) == 3


def test_no_more_workers_than_shards(
    tmp_path: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    annotate(make_job(tmp_path, workers=3, shard_boxes=100))
    assert not started


# A run that tells who works for it. It also forks, so that its ends of all pipes outlive it.
TOLD = """
import json, os, sys, time
from boxmask.annotate.engines import worker, workers
from boxmask.annotate.engines.base import Setup
from boxmask.annotate.engines.devices import deal_out
from boxmask.cli import app

class Told(workers.subprocess.Popen):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        print(self.pid, file=sys.stderr, flush=True)
        if not (heir := os.fork()):
            os._exit(time.sleep(300) or 0)
        print(heir, file=sys.stderr, flush=True)

workers.subprocess.Popen = Told
app()
"""


def test_workers_end_with_a_run_that_is_killed(tmp_path: Path) -> None:
    job = bundled_job(tmp_path, boxes_of(20, 3), batch_boxes=1)
    whole = by_one(job)
    options = {"--images": job.images, "--out": job.out, "--workers": 2}
    options |= {"--shard-boxes": 4, "--batch-boxes": 1, "--threads": 1}
    given = [str(part) for pair in options.items() for part in pair]
    command = [sys.executable, "-c", TOLD, "annotate", str(job.boxes), *given, "--quiet"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, cwd=Path(__file__).parents[1]) as parent:
        assert parent.stderr is not None
        pids, heirs = zip(*((told(parent), told(parent)) for _ in range(2)), strict=True)
        try:
            parts = WorkFolder(job.out).path
            wait_until(lambda: any(parts.glob("part-*")) or parent.poll() is not None, "a shard")
            assert parent.poll() is None
            parent.kill()
            wait_until(lambda: not any(map(is_running, pids)), "the workers have ended")
        finally:
            for heir in heirs:
                os.kill(heir, signal.SIGKILL)
            wait_until(lambda: not any(map(is_running, heirs)), "they let go of the lock")
    summary = run.annotate(replace(job, workers=2), silent)
    assert summary.reused and summary.predicted
    assert job.out.read_bytes() == whole


def told(parent: "subprocess.Popen[bytes]") -> int:
    """The next process that a run tells of."""
    assert parent.stderr is not None
    return int(parent.stderr.readline())


def is_running(pid: int) -> bool:
    """Tell whether a process is there and more than a name that nobody has waited for."""
    try:
        os.kill(pid, 0)
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_signals_reach_a_process_that_is_started_after_workers() -> None:
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, set())


def test_ray_is_asked_for_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boxmask.annotate.job.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'pip install "boxmask\[ray\]"'):
        annotate(make_job(tmp_path, engine="ray"))
