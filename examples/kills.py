"""Kill runs of `annotate` at random moments, by SIGKILL, and compare what they write in the end.

    python examples/kills.py --engine one --kills 200 --seed 1

The engines are `one` process, two `workers`, and a `ray` cluster of two nodes (needs Ray). A run
is killed itself, or with the latter two as often one of the processes that work for it; then the
same command goes on, until one comes to its end. Its output must have the bytes of an undisturbed
run, and nothing may be left beside it: no file, and no process. Photographs and network are small
and made here. With `--ledger FILE` what happens is counted there: so the script may itself be
stopped, and goes on.
"""

import argparse
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tried import Tally

from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.run import annotate
from boxmask.annotate.work_folder import WorkFolder
from boxmask.models import ModelConfig, build
from boxmask.models.weights import save_network

IMAGES, BOXES = 12, 3
WIDTH, HEIGHT = 40, 30
HANGS = 300.0  # seconds after which a process of these small runs hangs


def make_job(folder: Path) -> AnnotateJob:
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
    torch.manual_seed(0)
    sides: dict[str, Any] = {"view_size": 32, "crop_size": 8, "mask_size": 8, "feature_channels": 8}
    save_network(
        folder / "tiny.safetensors", build(ModelConfig(backbone="tiny", head="fc2", **sides)), {}
    )
    return AnnotateJob(
        boxes=folder / "boxes.json",
        images=folder / "photos",
        out=folder / "out.json",
        weights=folder / "tiny.safetensors",
        shard_boxes=4,
        threads=1,
        decoders=2,
    )


def run(job: AnnotateJob) -> None:
    """Run a job in a process of its own."""
    torch.set_num_threads(1)
    annotate(job, lambda event: None)


def forget(job: AnnotateJob) -> None:
    """Remove what a finished run has written."""
    job.out.unlink()
    WorkFolder(job.out).plan.unlink()


def _stat(pid: int) -> list[str]:
    """Return the state of a process, its parent and what follows; nothing if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def children(pid: int) -> list[int]:
    """List the processes that a process has started."""
    listed = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return [one for one in listed if _stat(one)[1:2] == [str(pid)]]


@contextmanager
def engine(name: str, job: AnnotateJob) -> Iterator[tuple[AnnotateJob, list[int]]]:
    """Yield the job for an engine, and processes whose children work for it beside the run's."""
    if name != "ray":
        yield replace(job, workers=2 if name == "workers" else 1), []
        return
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
        raylets = [node.all_processes["raylet"][0].process.pid for node in nodes]
        yield replace(job, engine="ray", ray_address=cluster.address), raylets
    finally:
        cluster.shutdown()


def are_gone(pids: list[int]) -> bool:
    """Wait for the processes that worked for a run to end, as they do by themselves."""
    end = time.monotonic() + HANGS
    while any(_stat(pid)[:1] not in ([], ["Z"]) for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def kill_at_random(pid: int, more: list[int], draw: random.Random) -> dict[str, int]:
    """Kill a run or a process that works for it; return which, as counts."""
    helpers = children(pid) + [child for parent in more for child in children(parent)]
    victim = draw.choice(helpers) if helpers and draw.random() < 0.5 else pid
    os.kill(victim, signal.SIGKILL)
    return {"kills": 1, "of_the_run" if victim == pid else "of_a_helper": 1}


def main() -> None:
    """Kill as often as was asked for; exit with 1 if an output ever differed."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--engine", choices=("one", "workers", "ray"), default="one")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ledger", type=Path, help="a file in which to keep the counts")
    arguments = parser.parse_args()
    tally = Tally(f"kills.py --engine {arguments.engine}", arguments.ledger)
    draw = random.Random(f"{arguments.seed} {tally.counts.total()}")
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["boxmask.annotate.shards", "boxmask.annotate.network"])
    with tempfile.TemporaryDirectory() as name:
        job = make_job(Path(name))
        annotate(replace(job, out=Path(name) / "whole.json"), lambda event: None)
        whole = (Path(name) / "whole.json").read_bytes()
        with engine(arguments.engine, job) as (disturbed, more):
            usual = 0.0  # seconds of the latest run that was not killed
            warm = processes.Process(target=run, args=(replace(disturbed, workers=1),))
            warm.start()
            warm.join()
            forget(job)
            while tally.counts["kills"] < arguments.kills:
                started = time.monotonic()
                process = processes.Process(target=run, args=(disturbed,))
                process.start()
                process.join(draw.uniform(0, usual) if usual else HANGS)
                disturbs = process.is_alive()
                left: list[int] = []
                if disturbs and process.pid is not None:
                    with suppress(ProcessLookupError):  # it has just come to its end
                        left = children(process.pid)
                        tally.add(**kill_at_random(process.pid, more, draw))
                process.join(HANGS)
                if process.is_alive() or not are_gone(left):
                    sys.exit(f"a process is left: {tally.line()}, --seed {arguments.seed}")
                tally.add(runs=1)
                usual = usual if disturbs else time.monotonic() - started
                if process.exitcode == 0:
                    if job.out.read_bytes() != whole or WorkFolder(job.out).path.exists():
                        sys.exit(f"another output: {tally.line()}, --seed {arguments.seed}")
                    tally.add(outputs=1)
                    forget(job)
    print(tally.line())


if __name__ == "__main__":
    main()
