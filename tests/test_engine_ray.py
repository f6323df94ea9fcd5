"""A Ray cluster writes what one process writes, whichever of its workers and nodes are lost.

Needs Ray: these tests are skipped where it is not installed, or cannot start here at all.
"""

import gc
import os
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from annotation_files import annotate, boxes_of, make_job, write_weights

from boxmask.annotate import run
from boxmask.annotate.events import MASKS, Event
from boxmask.annotate.job import AnnotateJob
from boxmask.errors import RunError
from boxmask.models.weights import load_network, save_network
from boxmask.remote import Url

sys.path.append(str(Path(__file__).parents[1] / "examples"))

from ray_nodes import Nodes, two_nodes
from waiting import wait_until

ray = pytest.importorskip("ray", reason='needs Ray: pip install "boxmask[ray]"')
engine = pytest.importorskip("boxmask.annotate.engines.ray")
pytestmark = pytest.mark.filterwarnings("default")  # those of Ray are not ours


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """A cluster of a head that does nothing, and two nodes of a core each."""
    with pytest.MonkeyPatch.context() as patch:
        path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
        patch.setenv("PYTHONPATH", path)  # boxmask, and what this test has Ray do
        with ExitStack() as stack:
            try:
                started = stack.enter_context(two_nodes())
            except Exception as error:  # say, a sandbox without sockets
                pytest.skip(f"Ray does not start here: {error}")
            yield started
            ray.shutdown()
        gc.collect()  # what Ray has left open is told here, and not in the tests of others


def job_on(nodes: Nodes, folder: Path, **changes: Any) -> AnnotateJob:
    """A job whose workers start without PyTorch: masks of twice the crop's side need none."""
    weights = write_weights(folder, mask_size=16)
    job = make_job(folder, boxes_of(20, 3), batch_boxes=1, weights=weights, **changes)
    return replace(job, runtime="openvino", engine="ray", ray_address=nodes.cluster.address)


def by_one(job: AnnotateJob) -> bytes:
    """The bytes that one process writes, beside the job's own output."""
    alone = replace(job, out=job.out.with_name("alone.json"), engine="local")
    annotate(alone)
    return alone.out.read_bytes()


def test_the_bytes_are_those_of_one_process(nodes: Nodes, tmp_path: Path) -> None:
    job = job_on(nodes, tmp_path)
    whole, seen = by_one(job), []
    run.annotate(job, lambda event: seen.append(event.done) if event.stage == MASKS else None)
    assert job.out.read_bytes() == whole
    assert seen[0] == 0 and seen[-1] == 60 and len(seen) > 5


def test_a_worker_and_a_node_are_lost_and_another_joins(nodes: Nodes, tmp_path: Path) -> None:
    job = job_on(nodes, tmp_path)
    whole = by_one(job)
    first, second = list(nodes.agents)
    happened: list[str] = []

    def disturb(event: Event) -> None:
        if event.stage != MASKS or not event.done:
            return
        if not happened:  # while the run waits here, tasks are there for both nodes
            wait_until(lambda: bool(nodes.workers_of(first)), "the first node has a worker")
            os.kill(nodes.workers_of(first)[0], signal.SIGKILL)
            happened.append("killed")
        elif happened == ["killed"] and event.done > 20:
            nodes.kill(second)
            nodes.add()
            happened.append("removed")

    summary = run.annotate(job, disturb)
    assert job.out.read_bytes() == whole
    assert happened == ["killed", "removed"]
    assert summary.predicted == 60


def test_all_nodes_are_lost_and_one_that_has_joined_goes_on(nodes: Nodes, tmp_path: Path) -> None:
    job = job_on(nodes, tmp_path)
    whole = by_one(job)
    happened: list[str] = []

    def exchange(event: Event) -> None:
        if event.stage == MASKS and event.done > 20 and not happened:
            before = list(nodes.agents)
            nodes.add()
            for node in before:
                nodes.kill(node)
            happened.append("exchanged")

    run.annotate(job, exchange)
    assert happened and job.out.read_bytes() == whole


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, Counter[str]]]:
    """The address of a server of the folder, and how often it was asked for each file."""
    pytest.importorskip("aiohttp", reason='needs aiohttp: pip install "boxmask[remote]"')
    asked: Counter[str] = Counter()

    class Counting(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked[self.path] += 1
            super().do_GET()

        def log_message(self, *_: object) -> None:
            """Be silent."""

    handler = partial(Counting, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_each_image_at_a_url_is_fetched_once_by_the_whole_cluster(
    nodes: Nodes, tmp_path: Path, web: tuple[str, Counter[str]]
) -> None:
    job = job_on(nodes, tmp_path)
    whole = by_one(job)
    address, asked = web
    annotate(replace(job, images=Url(f"{address}/images")))
    assert job.out.read_bytes() == whole
    assert asked == {f"/images/{k}.png": 1 for k in range(20)}


def test_an_error_on_a_node_is_told_as_it_is(nodes: Nodes, tmp_path: Path) -> None:
    job = job_on(nodes, tmp_path)
    assert job.weights is not None
    network, _ = load_network(job.weights)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(float("nan"))
    save_network(job.weights, network, {})
    with pytest.raises(RunError, match=r"^the network's numbers are not finite"):
        annotate(job)


def test_a_task_that_no_node_can_do_ends_the_run(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LOOK", 0.01)
    monkeypatch.setattr(engine, "ABSENCE", 0.1)
    job = job_on(nodes, tmp_path, threads=2)
    with pytest.raises(RunError, match=r"no node of the cluster could do a task .*takes 2 CPU"):
        annotate(job)
    annotate(replace(job, threads=1))
    assert job.out.read_bytes() == by_one(job)


def test_a_node_that_does_not_start_in_time_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(**_: object) -> None:
        raise Exception("The current node timed out during startup.")  # as Ray does

    monkeypatch.setattr(ray, "init", slow)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(RunError, match=r"no Ray cluster on this machine: The current node timed"):
        annotate(make_job(tmp_path, engine="ray"))


def test_a_cluster_that_is_not_there_is_told(tmp_path: Path) -> None:
    job = replace(make_job(tmp_path), engine="ray", ray_address="127.0.0.1:9")
    with pytest.raises(RunError, match=r"no Ray cluster at 127\.0\.0\.1:9"):
        annotate(job)


def test_a_server_that_is_not_ray_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, web: tuple[str, Counter[str]]
) -> None:
    address = web[0].removeprefix("http://")
    job = replace(make_job(tmp_path), engine="ray", ray_address=address)
    with pytest.raises(RunError, match=rf"no Ray cluster at {address}: what answers there is not"):
        annotate(job)
    monkeypatch.setattr(engine, "PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(RunError, match=rf"no Ray cluster at {address}: timed out"):
            annotate(replace(job, ray_address=address))
