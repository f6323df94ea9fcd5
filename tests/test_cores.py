"""How many threads a network gets on a busy or shared machine."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from annotation_files import annotate, make_job, tiny_network

from boxmask import cores
from boxmask.annotate.network import DeviceNetwork
from boxmask.annotate.plan import load_plan
from boxmask.annotate.work_folder import WorkFolder
from boxmask.cores import core_count, network_threads
from boxmask.models import Cuts


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(cores, "_usable_cores", lambda: set(range(8)))
    monkeypatch.setattr(cores, "_CPU_MAX", tmp_path / "cpu.max")
    monkeypatch.setattr(cores, "_PROC_STAT", tmp_path / "stat")
    monkeypatch.setattr(cores, "_first", cores._look())


def busy(
    monkeypatch: pytest.MonkeyPatch, shares: list[float], *, own: float = 0.0, since: float = 1.0
) -> None:
    """Let each core have been busy for its share of the time since the first look.

    `own` is how many cores this process has used, `since` how many seconds there were.
    """
    now, first = 1000.0, dict.fromkeys(range(len(shares)), (1000, 500))
    later = {k: (1000 + int(20 * s), 500 + int(20 * (1 - s))) for k, s in enumerate(shares)}
    monkeypatch.setattr(cores, "_first", cores._Look(now - since, 3.0, first))
    monkeypatch.setattr(cores, "_look", lambda: cores._Look(now, 3.0 + own * since, later))
    monkeypatch.setattr("boxmask.cores.time.monotonic", lambda: now)


@pytest.mark.parametrize(
    ("shares", "threads"),
    [([0.0] * 8, 8), ([1.0] * 8, 1), ([1.0] * 3 + [0.0] * 5, 5), ([0.0] * 8 + [1.0] * 56, 8)],
)
def test_a_network_gets_the_idle_cores_that_it_may_use(
    monkeypatch: pytest.MonkeyPatch, shares: list[float], threads: int
) -> None:
    busy(monkeypatch, shares)
    assert network_threads() == threads


@pytest.mark.parametrize(
    ("shares", "own", "threads"),
    [([1.0] + [0.0] * 7, 1.0, 8), ([1.0] * 8, 1.0, 1), ([1.0] * 4 + [0.0] * 4, 2.0, 6)],
)
def test_what_the_program_itself_has_used_counts_as_idle(
    monkeypatch: pytest.MonkeyPatch, shares: list[float], own: float, threads: int
) -> None:
    busy(monkeypatch, shares, own=own)
    assert network_threads() == threads


@pytest.mark.parametrize(("since", "waited"), [(0.05, [0.15]), (0.3, [0.0]), (60.0, [0.2])])
def test_nobody_waits_where_the_program_has_long_begun(
    monkeypatch: pytest.MonkeyPatch, since: float, waited: list[float]
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("boxmask.cores.time.sleep", slept.append)
    busy(monkeypatch, [0.0] * 8, since=since)
    assert network_threads() == 8 and slept == pytest.approx(waited)


@pytest.mark.parametrize(
    ("limit", "threads"),
    [("200000 100000", 2), ("50000 100000", 1), ("max 100000", 8), ("?", 8), (None, 8)],
)
def test_no_more_than_the_container_may_use(
    tmp_path: Path, limit: str | None, threads: int
) -> None:
    if limit is not None:
        (tmp_path / "cpu.max").write_text(limit)
    assert network_threads() == core_count() == threads


def test_what_the_environment_says_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert network_threads() == 3


def test_the_system_is_read(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text(
        "cpu 9 9\ncpu0 5 1 4 60 7 0 0 0 5 0\ncpu11 1 0 0 2 0 0 0 0 0 0\n"
    )
    assert cores._busy_and_idle() == {0: (10, 67), 11: (1, 2)}


def test_networks_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [network_threads(networks) for networks in (1, 2, 3, 8, 9)] == [8, 4, 2, 1, 1]


def test_a_run_goes_on_with_the_threads_that_it_was_begun_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(tmp_path, threads=None)
    seen: list[int | None] = []
    predict = DeviceNetwork.predict

    def noted(self: DeviceNetwork, *views: Any, **options: Any) -> Any:
        seen.append(self.threads)
        return predict(self, *views, **options)

    monkeypatch.setattr(DeviceNetwork, "predict", noted)
    for idle in (3, 5):
        monkeypatch.setattr("boxmask.annotate.workload.network_threads", lambda _, idle=idle: idle)
        annotate(job)
        job.out.unlink()
    assert set(seen) == {3}
    plan = load_plan(WorkFolder(job.out).plan)
    assert plan is not None and plan.threads == 3


def test_the_network_computes_with_its_threads_and_gives_the_others_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = torch.get_num_threads()
    seen: list[int] = []
    network = DeviceNetwork(tiny_network(), device="cpu", precision="fp32", threads=before + 2)

    def computed(*_: Any, **__: Any) -> None:
        seen.append(torch.get_num_threads())

    monkeypatch.setattr("boxmask.annotate.network.predict_masks", computed)

    none = np.zeros((0, 4), np.float32)
    network.predict(Cuts(np.zeros((0, 8, 8, 3), np.uint8), none, np.zeros(0, np.int64)), chunk=1)
    assert seen == [before + 2] and torch.get_num_threads() == before
