"""The engine of a Ray cluster: tasks go to whatever nodes it has, now and later.

Ray itself starts a task again that was lost with its worker or its node. Nodes need boxmask, and
the images at the same place or URL; the weights are sent to them.
"""

import os
import re
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from boxmask.annotate.engines.base import Engine, OnBoxes, Parts, Setup
from boxmask.annotate.job import resolve_weights
from boxmask.annotate.parts import Part
from boxmask.annotate.task import Task
from boxmask.annotate.workload import Inputs
from boxmask.durable import digest
from boxmask.errors import RunError
from boxmask.models.prediction import Network
from boxmask.version import __version__

RETRIES = 10  # of a task whose worker or node is lost
AHEAD = 2  # tasks for each that the cluster can do at once: nobody waits for the next
PATIENCE = 20.0  # seconds, with a cluster that does not answer
LOOK = 5.0  # seconds after which it is asked for nodes that have joined
ABSENCE = 600.0  # seconds in which no node there is could do a task: one may join, or come back

# How a client of HTTP/2 begins, with no settings of its own; a server answers with its settings.
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_SETTINGS = 4  # the fourth byte of such a message
_SERVER = re.compile(r"(?:ray://)?([^:/]+):(\d+)")

_NAMES = {"num_cpus": "CPU", "num_gpus": "GPU"}  # of what a task takes, as nodes tell it

_networks: dict[tuple[str, ...], Network] = {}  # of a worker: the last it has used


def run_on_ray(inputs: Inputs) -> Engine:
    """Make parts on the cluster that the job names, or that there is, or one of this machine."""

    def run(tasks: Iterator[Task], on_boxes: OnBoxes) -> Parts:
        with _connected(inputs.job.ray_address):
            yield from _run(Setup.of(inputs), tasks, on_boxes)

    return run


@contextmanager
def _connected(address: str | None) -> Iterator[None]:
    before = ray.is_initialized()
    if not before:
        _join(address or os.environ.get("RAY_ADDRESS"))
    try:
        yield
    finally:
        if not before:
            ray.shutdown()


def _join(address: str | None) -> None:
    """Connect to a cluster; RunError if there is none, which Ray itself tells after minutes."""
    try:
        if parts := _SERVER.fullmatch(address or ""):
            _require_answer(parts[1], int(parts[2]))
        ray.init(address=address, log_to_driver=False, logging_level="warning")
    except Exception as error:  # Ray raises the class itself, of a node that is slow to start
        where = "on this machine" if address is None else f"at {address}"
        raise RunError(
            f"no Ray cluster {where}: {error}. Start one (ray start --head), or give its "
            "address by --ray-address."
        ) from error


def _require_answer(host: str, port: int) -> None:
    """Raise OSError unless what listens there speaks HTTP/2, as all servers of Ray do."""
    with socket.create_connection((host, port), timeout=PATIENCE) as server:
        server.sendall(_GREETING)
        answer = server.recv(9)
    if len(answer) < 9 or answer[3] != _SETTINGS:
        raise OSError("what answers there is not Ray")


def _run(setup: Setup, tasks: Iterator[Task], on_boxes: OnBoxes) -> Parts:
    needs = _needs(setup)
    weights = resolve_weights(setup.job)
    key, sent = digest(weights), ray.put(weights.read_bytes())
    make = ray.remote(max_retries=RETRIES, **needs)(_make_part)
    pending: dict[Any, Task] = {}
    able = time.monotonic()  # when the cluster could do a task, as far as is known
    try:
        while True:
            at_once = _at_once(needs)
            if at_once:
                able = time.monotonic()
            elif time.monotonic() - able > ABSENCE:
                raise _no_node(needs)
            room = AHEAD * max(at_once, 1) - len(pending)
            for task in islice(tasks, max(room, 0)):
                # In a list, a reference stays one: only a worker without the network fetches it.
                pending[make.remote(__version__, setup, key, [sent], task)] = task
            if not pending:
                return
            for done in ray.wait(list(pending), timeout=LOOK)[0]:
                task = pending.pop(done)
                part = _result(done, task)
                on_boxes(task.shard.boxes)
                yield task, part
    finally:
        for lost in pending:
            ray.cancel(lost, force=True)


def _needs(setup: Setup) -> dict[str, float]:
    """Return what a task takes of a node."""
    if setup.device.startswith("cuda"):
        return {"num_cpus": 1, "num_gpus": 1}
    return {"num_cpus": setup.job.threads or 1}


def _at_once(needs: dict[str, float]) -> int:
    """Return how many tasks the nodes of the cluster, as it is now, can do at the same time."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return sum(
        min(int(node.get(_NAMES[need], 0) // many) for need, many in needs.items())
        for node in nodes
    )


def _no_node(needs: dict[str, float]) -> RunError:
    wanted = " and ".join(f"{many:g} {_NAMES[need]}" for need, many in needs.items())
    return RunError(
        f"no node of the cluster could do a task for {ABSENCE / 60:.0f} minutes: one takes {wanted}"
        ". Add a node that has them, or give fewer --threads, and run the same command again; it "
        "goes on with the shards that are finished."
    )


def _result(done: Any, task: Task) -> Part:
    try:
        part: Part = ray.get(done)
    except RayTaskError as error:
        if isinstance(error.cause, Exception):
            raise error.cause from None
        raise
    except RayError as error:
        raise RunError(
            f"shard {task.number}, {task.images}, was lost {RETRIES + 1} times on the cluster: "
            f"{error}. Run the same command again; it goes on with the shards that are finished."
        ) from error
    return part


def _make_part(version: str, setup: Setup, key: str, weights: list[Any], task: Task) -> Part:
    """Make a part; this runs on a node of the cluster."""
    from boxmask.annotate.shards import run_shard

    if version != __version__:
        raise RunError(
            f"boxmask is {__version__} on a node of the cluster, and {version} where the run was "
            "started. Install the same on all."
        )
    network = _network(setup, key, weights)
    return run_shard(task.workload, task.shard, network, lambda boxes: None)


def _network(setup: Setup, key: str, weights: list[Any]) -> Network:
    """Return the network of a worker, loaded once."""
    name = (key, setup.device, setup.precision, setup.runtime, str(setup.job.threads))
    if name not in _networks:
        _networks.clear()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{key}.safetensors"
            path.write_bytes(ray.get(weights[0]))
            own = replace(setup, job=replace(setup.job, weights=path))
            _networks[name] = own.inputs().network
    return _networks[name]
