"""Start a Ray cluster of two nodes on this machine, and say where it is, until Ctrl-C.

    python examples/ray_nodes.py
    boxmask annotate boxes.json --images photos --out masks.json --engine ray --ray-address ADDRESS

For `kills.py` and the tests nodes die here, and new ones join.
It is as lean as it can be: without dashboard, monitor, metrics, logs of workers and reports of
usage. Ray gives a node 30 seconds to start, which a busy machine misses: here it waits longer. A
worker keeps its minute: for so long its node waits in vain for one that was killed as it started.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PATIENCE = 300.0  # seconds, with a node that starts
STORE = 80 << 20  # bytes of memory for what a node is sent
LEAN = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_enable_metrics_collection": "0",
    "RAY_enable_open_telemetry": "0",
    "RAY_gcs_server_port_wait_time_s": f"{PATIENCE:.0f}",
    "RAY_raylet_start_wait_time_s": f"{PATIENCE:.0f}",
    "RAY_agent_register_timeout_ms": f"{1000 * PATIENCE:.0f}",
    "RAY_worker_niceness": "0",  # as the others of a busy machine
    "RAY_health_check_period_ms": "200",  # a node that has died is known to be dead in a second
}


def _stat(pid: int) -> list[str]:
    """Return the state of a process, its parent and what follows; nothing if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def is_running(pid: int) -> bool:
    """Tell whether a process is there, and more than a name that nobody has waited for."""
    return _stat(pid)[:1] not in ([], ["Z"])


def children(pid: int) -> list[int]:
    """List the processes that a process has started."""
    listed = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return [one for one in listed if _stat(one)[1:2] == [str(pid)]]


class Nodes:
    """The nodes of a cluster, beside a head that does no work."""

    def __init__(self, cluster: Any) -> None:
        self.cluster = cluster
        self.agents: dict[Any, list[int]] = {}  # of a node: Ray's own processes, which do no work

    def add(self) -> None:
        """Have a node of one core join."""
        node = self.cluster.add_node(num_cpus=1, object_store_memory=STORE)
        self.agents[node] = children(_raylet(node))

    def workers(self) -> list[int]:
        """List the processes that make parts, or will."""
        return [worker for node in self.agents for worker in self.workers_of(node)]

    def workers_of(self, node: Any) -> list[int]:
        """List those of one node."""
        return [child for child in children(_raylet(node)) if child not in self.agents[node]]

    def kill(self, node: Any) -> None:
        """Kill all processes of a node at once, for good."""
        del self.agents[node]
        raylet = _raylet(node)
        for pid in [raylet, *children(raylet)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.cluster.remove_node(node, allow_graceful=False)


def _raylet(node: Any) -> int:
    (raylet,) = node.all_processes["raylet"]
    return int(raylet.process.pid)


@contextmanager
def two_nodes() -> Iterator[Nodes]:
    """Yield a cluster that has started."""
    os.environ.update(LEAN)
    from ray._private import services
    from ray.cluster_utils import Cluster

    services.get_node = _patient(services.get_node)
    head = {"num_cpus": 0, "object_store_memory": STORE}
    lean = {"include_dashboard": False, "no_monitor": True, "include_log_monitor": False}
    cluster = Cluster(initialize_head=True, head_node_args=head | lean)
    try:
        nodes = Nodes(cluster)
        nodes.add()
        nodes.add()
        yield nodes
    finally:
        cluster.shutdown()


def _patient(get_node: Any) -> Any:
    """Return Ray's question for a node that it has started, asked until there is an answer."""

    def asked(*arguments: Any) -> Any:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return get_node(*arguments)
            except RuntimeError:  # it has not joined yet
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    return asked


def main() -> None:
    """Keep a cluster until Ctrl-C."""
    with two_nodes() as nodes, suppress(KeyboardInterrupt):
        print(nodes.cluster.address, flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
