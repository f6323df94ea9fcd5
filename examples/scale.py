"""Simulate a large run of `annotate`: how long it takes on so many workers, and what limits it.

    python examples/scale.py --workers 1000 --rate 33 --node 16 --life 24

Simulated is the scheduler, shard by shard: a worker that is free takes the next shard, makes it at
`--rate` boxes a second and hands its part to the run, which writes one part after the other. Nodes
of `--node` workers are lost at random, each once in `--life` hours on average, and come back; what
they were at is made again by others. A worker is as fast as its network or its decoders, whichever
is slower. Measure the rate where the run will be, by `boxmask annotate --dry-run`, and by
`--measure` what one process does for all: writing a part, and reading and writing a whole file.
The latter is added up, not simulated. Not simulated: a network, a disk or a store of images that
gives out.
"""

import argparse
import heapq
import json
import math
import random
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.parts import Outcome, pack, write_part
from boxmask.annotate.run import annotate
from boxmask.images import load_image

PHOTOS = Path(__file__).parent / "photos"
_MEASURED = 50_000  # annotations
MASK = b'{"size":[1080,1920],"counts":"' + b"0" * 160 + b'"}'  # of a usual length


@dataclass(frozen=True)
class Machines:
    """What a run is done with; all times in seconds."""

    workers: int
    rate: float  # boxes a second of a worker
    write: float  # of a part, by the run itself
    node: int  # workers that are lost together
    life: float  # of a node, on average; 0 for ever
    start: float  # until a worker has its network
    rejoin: float  # until a lost node is back


@dataclass
class Simulated:
    """How a run went."""

    seconds: float = 0.0
    nodes_lost: int = 0
    shards_lost: int = 0
    written: float = 0.0  # when the run had written the last part that it had got


def simulate(shards: int, boxes: int, machines: Machines, seed: int = 0) -> Simulated:
    """Make so many shards of so many boxes."""
    draw, run, left, done = random.Random(seed), Simulated(), shards, 0
    firsts = range(0, machines.workers, machines.node)
    nodes = [range(first, min(first + machines.node, machines.workers)) for first in firsts]
    lives = [0] * len(nodes)
    busy: set[int] = set()
    idle: set[int] = set()
    events = [(machines.start, "free", worker, 0) for worker in range(machines.workers)]
    events += [(_life(draw, machines), "lost", node, 0) for node in range(len(nodes))]
    heapq.heapify(events)
    while done < shards:
        now, kind, who, life = heapq.heappop(events)
        if kind == "lost":
            gone = busy & set(nodes[who])
            busy, idle, left = busy - gone, idle - set(nodes[who]), left + len(gone)
            lives[who] += 1
            run.nodes_lost, run.shards_lost = run.nodes_lost + 1, run.shards_lost + len(gone)
            back = now + machines.rejoin + machines.start
            for worker in nodes[who]:
                heapq.heappush(events, (back, "free", worker, lives[who]))
            heapq.heappush(events, (back + _life(draw, machines), "lost", who, 0))
            for worker in sorted(idle)[: len(gone)]:
                idle.remove(worker)
                heapq.heappush(events, (now, "free", worker, lives[worker // machines.node]))
        elif life == lives[who // machines.node]:
            if who in busy:
                busy.remove(who)
                done += 1
                run.written = max(run.written, now) + machines.write
            if left:
                left -= 1
                busy.add(who)
                heapq.heappush(events, (now + boxes / machines.rate, "free", who, life))
            else:
                idle.add(who)
    run.seconds = run.written
    return run


def _life(draw: random.Random, machines: Machines) -> float:
    return draw.expovariate(1 / machines.life) if machines.life else float("inf")


def measure_write(boxes: int) -> float:
    """Time how long it takes to write the part of a shard on the disk of this folder, in median."""
    part = pack([Outcome(row, fragment=MASK, area=1) for row in range(boxes)], {0: (1920, 1080)})
    times = []
    with tempfile.TemporaryDirectory(dir=".") as folder:
        for k in range(9):
            started = time.perf_counter()
            write_part(Path(folder) / str(k), part, "key")
            times.append(time.perf_counter() - started)
    return statistics.median(times)


def measure_file(boxes: int) -> float:
    """Return the seconds of a core that reading and writing takes, masks aside, an annotation."""
    masks = {"segmentation": json.loads(MASK), "area": 1, "bbox": [1, 2, 30, 40], "category_id": 1}
    images = [{"id": k, "file_name": f"{k}.jpg", "width": 1920, "height": 1080} for k in range(99)]
    rows = [{"id": k, "image_id": k % 99} | masks for k in range(boxes)]
    data = {"images": images, "annotations": rows, "categories": [{"id": 1, "name": "thing"}]}
    with tempfile.TemporaryDirectory(dir=".") as folder:
        path = Path(folder) / "boxes.json"
        path.write_text(json.dumps(data), encoding="utf-8")
        started = time.process_time()
        annotate(
            AnnotateJob(
                boxes=path, images=path.parent, out=path.with_name("out.json"), tightness=0.0
            ),
            lambda event: None,
        )
        return (time.process_time() - started) / boxes


def measure_decoding() -> float:
    """Return the seconds of a core that a megapixel of the example photographs takes."""
    started, pixels = time.process_time(), 0
    for path in sorted(PHOTOS.glob("*.jpg")):
        height, width = load_image(path.parent, path.name).shape[:2]
        pixels += height * width
    return (time.process_time() - started) / pixels * 1e6


def main() -> None:
    """Print a line on the run."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--images", type=int, default=10_000_000)
    parser.add_argument("--boxes-per-image", type=float, default=7.0)
    parser.add_argument("--shard-boxes", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--rate", type=float, default=1000.0, help="boxes a second of a worker")
    parser.add_argument("--write-ms", type=float, default=60.0, help="to write a part")
    parser.add_argument("--decode-ms", type=float, default=0.0, help="of a core, for an image")
    parser.add_argument("--decoders", type=int, default=16, help="cores that decode for a worker")
    parser.add_argument("--file-boxes", type=int, default=1_000_000, help="annotations of a file")
    parser.add_argument("--file-seconds", type=float, default=0.0, help="to read and write it")
    parser.add_argument("--node", type=int, default=8, help="workers that are lost together")
    parser.add_argument("--life", type=float, default=0.0, help="hours of a node; 0: for ever")
    parser.add_argument("--start", type=float, default=30.0, help="seconds of a worker")
    parser.add_argument("--rejoin", type=float, default=600.0, help="seconds of a lost node")
    parser.add_argument("--measure", action="store_true", help="time writing a part, and stop")
    given = parser.parse_args()
    if given.measure:
        print(f"{1000 * measure_write(given.shard_boxes):.1f} ms to write a part")
        seconds = measure_file(_MEASURED) * given.file_boxes
        print(f"{seconds:.0f} s of a core to read and write {given.file_boxes:,} annotations")
        print(f"{1000 * measure_decoding():.0f} ms of a core to decode a megapixel")
        return
    boxes = given.images * given.boxes_per_image
    rate = given.rate
    if given.decode_ms:
        rate = min(rate, 1000 * given.decoders / given.decode_ms * given.boxes_per_image)
    machines = Machines(
        workers=given.workers,
        rate=rate,
        write=given.write_ms / 1000,
        node=given.node,
        life=3600 * given.life,
        start=given.start,
        rejoin=given.rejoin,
    )
    shards = -(-int(boxes) // given.shard_boxes)
    run = simulate(shards, given.shard_boxes, machines)
    ideal = boxes / (given.rate * given.workers)
    print(
        f"{given.workers} workers: {run.seconds / 3600:.2f} h, {ideal / run.seconds:.0%} of what "
        f"they could do; nodes lost {run.nodes_lost}, shards made again {run.shards_lost:,} of "
        f"{shards:,}; the run writes {shards * machines.write / run.seconds:.0%} of the time"
    )
    if given.file_seconds:
        files = -(-int(boxes) // given.file_boxes)
        hours = files * given.file_seconds / 3600
        at_once = math.ceil(3600 * hours / run.seconds)
        print(
            f"{files} files take {hours:.1f} h of one core to read and write: so that nobody waits "
            f"for that, run {1 + at_once} at a time"
        )


if __name__ == "__main__":
    main()
