"""Kill runs of `annotate` at random moments, by SIGKILL, and compare what they write in the end.

    python examples/kills.py --engine one --kills 200 --seed 1

The engines are `one` process, two `workers`, and a `ray` cluster of two nodes (needs Ray). A run
is killed itself, or with the latter two as often a process that works for it, or a whole node, for
which another joins; then the same command goes on, until one comes to its end. Its output must
have the bytes of an undisturbed run, and nothing may be left: no file beside it, and no process.
Half of the moments are of a whole run, half of what follows its first shard. Photographs and
network are small and made here; with Ray, whose workers start anew for each run, OpenVINO computes
it, which starts faster. With `--ledger FILE` what happens is counted there: so the script may
itself be stopped, and goes on.
"""

import argparse
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from ray_nodes import Nodes, children, is_running, two_nodes
from tried import Tally

from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.run import annotate
from boxmask.annotate.work_folder import WorkFolder

IMAGES, BOXES = 12, 3
WIDTH, HEIGHT = 40, 30
HANGS = 300.0  # seconds after which a process of these small runs hangs


def make_job(folder: Path, *, runtime: Literal["openvino", "torch"]) -> AnnotateJob:
    """Write photographs of noise, their boxes and a network; return the job, of nine shards."""
    rng = np.random.default_rng(0)
    (folder / "photos").mkdir()
    for k in range(IMAGES):
        pixels = rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{k}.png")
    images = ", ".join(f'{{"id": {k}, "file_name": "{k}.png"}}' for k in range(IMAGES))
    boxes = ", ".join(
        f'{{"id": {k}, "image_id": {k % IMAGES}, "category_id": 1, "bbox": [{k % 9}, 4, 20, 20]}}'
        for k in range(IMAGES * BOXES)
    )
    categories = '[{"id": 1, "name": "thing"}]'
    text = f'{{"images": [{images}], "annotations": [{boxes}], "categories": {categories}}}'
    (folder / "boxes.json").write_text(text)
    save_tiny_network(folder / "tiny.safetensors")
    return AnnotateJob(
        boxes=folder / "boxes.json",
        images=folder / "photos",
        out=folder / "out.json",
        weights=folder / "tiny.safetensors",
        shard_boxes=4,
        threads=1,
        decoders=2,
        runtime=runtime,
    )


def save_tiny_network(path: Path) -> None:
    """Make a network; PyTorch is imported here alone, as processes that are killed import this."""
    import torch

    from boxmask.models import ModelConfig, build
    from boxmask.models.weights import save_network

    torch.manual_seed(0)
    # Masks of twice the crop's side: their config is read without PyTorch.
    sides: dict[str, Any] = {"view_size": 32, "crop_size": 8, "mask_size": 16}
    config = ModelConfig(backbone="tiny", head="fc2", feature_channels=8, **sides)
    save_network(path, build(config), {})


def run(job: AnnotateJob) -> None:
    """Run a job in a process of its own."""
    if job.runtime == "torch":
        import torch

        torch.set_num_threads(1)
    annotate(job, lambda event: None)


def forget(job: AnnotateJob) -> None:
    """Remove what a finished run has written."""
    job.out.unlink()
    WorkFolder(job.out).plan.unlink()


@dataclass(frozen=True)
class Engine:
    """What runs are done with, and what works for them beside the run's own children."""

    name: str
    job: AnnotateJob
    nodes: Nodes | None = None

    def helpers(self, pid: int) -> list[int]:
        """List the processes that work for a run."""
        return children(pid) + (self.nodes.workers() if self.nodes else [])

    def kill(self, pid: int, draw: random.Random) -> str:
        """Kill a run, one that works for it, or a node; return what it was."""
        helpers = self.helpers(pid)
        chance = draw.random()
        if self.nodes is not None and chance < 0.125:
            self.nodes.kill(draw.choice(list(self.nodes.agents)))
            self.nodes.add()
            return "of_a_node"
        victim = draw.choice(helpers) if helpers and chance < 0.5 else pid
        os.kill(victim, signal.SIGKILL)
        return "of_the_run" if victim == pid else "of_a_helper"


@contextmanager
def engine(name: str, job: AnnotateJob) -> Iterator[Engine]:
    """Yield an engine that does a job."""
    if name != "ray":
        yield Engine(name, replace(job, workers=2 if name == "workers" else 1))
        return
    with two_nodes() as nodes:
        yield Engine(name, replace(job, engine="ray", ray_address=nodes.cluster.address), nodes)


def are_gone(pids: list[int]) -> bool:
    """Wait for the processes that worked for a run to end, as they do by themselves."""
    return waited(lambda: not any(map(is_running, pids)))


def waited(for_what: Callable[[], bool], seconds: float = HANGS) -> bool:
    """Wait until something is so; tell whether it is."""
    end = time.monotonic() + seconds
    while not for_what():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@dataclass
class Usual:
    """Seconds that a run took which nothing has disturbed, the latest."""

    whole: float = HANGS
    rest: float = HANGS  # after its first shard


def is_disturbed(process: BaseProcess, job: AnnotateJob, usual: Usual, draw: random.Random) -> bool:
    """Wait for a random moment of a run; tell whether it has come, before the run's end."""
    if draw.random() < 0.5:
        started = time.monotonic()
        process.join(draw.uniform(0, usual.whole))
        if not process.is_alive():
            usual.whole = time.monotonic() - started
        return process.is_alive()
    before = parts_of(job)
    waited(lambda: bool(parts_of(job) - before) or not process.is_alive())
    started = time.monotonic()
    process.join(draw.uniform(0, usual.rest))
    if not process.is_alive():
        usual.rest = time.monotonic() - started
    return process.is_alive()


def parts_of(job: AnnotateJob) -> set[Path]:
    """List the shards that are done."""
    return set(WorkFolder(job.out).path.glob("part-*"))


def kill_once(
    processes: ForkServerContext, with_: Engine, usual: Usual, draw: random.Random
) -> tuple[dict[str, int], int | None]:
    """Start a run, and kill once unless it ends before; return what was killed, and its exit."""
    process = processes.Process(target=run, args=(with_.job,))
    process.start()
    assert process.pid is not None
    left: list[int] = []
    counts: dict[str, int] = {"runs": 1}
    if is_disturbed(process, with_.job, usual, draw):
        with suppress(ProcessLookupError):  # it has just come to its end
            left = with_.helpers(process.pid)
            counts |= {with_.kill(process.pid, draw): 1, "kills": 1}
    process.join(HANGS)
    if process.is_alive() or not are_gone(left + with_.helpers(process.pid)):
        sys.exit(f"a process is left, of {counts}")
    return counts, process.exitcode


def main() -> None:
    """Kill as often as was asked for; exit with 1 if an output ever differed."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--engine", choices=("one", "workers", "ray"), default="one")
    parser.add_argument("--kills", type=int, default=200, help="so many with those of the ledger")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ledger", type=Path, help="a file in which to keep the counts")
    arguments = parser.parse_args()
    tally = Tally(f"kills.py --engine {arguments.engine}", arguments.ledger)
    draw = random.Random(f"{arguments.seed} {tally.counts.total()}")
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_CACHE_HOME"] = name  # graphs of the network for OpenVINO
        job = make_job(Path(name), runtime="openvino" if arguments.engine == "ray" else "torch")
        annotate(replace(job, out=Path(name) / "whole.json"), lambda event: None)
        whole = (Path(name) / "whole.json").read_bytes()
        with engine(arguments.engine, job) as disturbed:
            processes = warm(disturbed)
            usual = Usual()
            while tally.counts["kills"] < arguments.kills:
                counts, exitcode = kill_once(processes, disturbed, usual, draw)
                tally.add(**counts)
                if exitcode == 0:
                    if job.out.read_bytes() != whole or WorkFolder(job.out).path.exists():
                        sys.exit(f"another output: {tally.line()}, --seed {arguments.seed}")
                    tally.add(outputs=1)
                    forget(job)
                elif "of_the_run" not in counts:
                    sys.exit(f"a run has failed: {tally.line()}, --seed {arguments.seed}")
    print(tally.line())


def warm(disturbed: Engine) -> ForkServerContext:
    """Return how to start runs that have imported everything already."""
    processes = multiprocessing.get_context("forkserver")
    needed = ["boxmask.annotate.shards"]
    needed += ["boxmask.annotate.network"] if disturbed.job.runtime == "torch" else []
    needed += ["boxmask.annotate.engines.ray"] if disturbed.nodes else []
    processes.set_forkserver_preload(needed)
    first = processes.Process(target=run, args=(replace(disturbed.job, workers=1),))
    first.start()
    first.join(HANGS)
    forget(disturbed.job)
    return processes


if __name__ == "__main__":
    main()
