"""Measure `boxmask eval` on 100,000 made-up masks: seconds and peak memory.

    python examples/bench_eval.py --instances 100000

writes two COCO forms into a temporary folder, evaluates one against the other, and prints
what it took. Memory is that of the largest process, and of all worker processes' largest.
"""

import argparse
import json
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from boxmask import rle
from boxmask.cores import core_count
from boxmask.evaluate.job import EvaluateJob
from boxmask.evaluate.run import evaluate
from boxmask.window import Window

WIDTH, HEIGHT = 640, 480
PER_IMAGE, CLASSES = 7, 80


def blob(x: float, y: float, radius: float, wobble: float) -> dict[str, object]:
    """Draw a star-like blob, as an RLE object."""
    side = int(2 * radius) + 1
    left, top = (
        int(np.clip(x - radius, 0, WIDTH - side)),
        int(np.clip(y - radius, 0, HEIGHT - side)),
    )
    across, down = np.mgrid[:side, :side] - radius
    reach = radius * (0.8 + 0.2 * np.sin(5 * np.arctan2(down, across) + wobble))
    bits = across**2 + down**2 <= reach**2
    counts = rle.encode(Window(left, top, bits), width=WIDTH, height=HEIGHT)
    return {"size": [HEIGHT, WIDTH], "counts": counts.decode()}


def annotations(instances: int) -> Iterator[tuple[dict[str, object], dict[str, object]]]:
    """Make true annotations and predictions that turn each blob a little."""
    random = np.random.default_rng(0)
    for id in range(instances):
        x, y = random.uniform(0, WIDTH), random.uniform(0, HEIGHT)
        radius = float(np.exp(random.uniform(np.log(4), np.log(120))))
        wobble = random.uniform(0, 6)
        where = {
            "id": id,
            "image_id": id // PER_IMAGE,
            "category_id": int(random.zipf(1.5)) % CLASSES,
            "area": radius**2 * 2,
            "iscrowd": 0,
        }
        yield (
            where | {"segmentation": blob(x, y, radius, wobble)},
            where
            | {
                "segmentation": blob(x, y, radius, wobble + random.normal(0, 0.5)),
                "boxmask": {"status": "ok", "predicted_iou": random.uniform(0.5, 1)},
            },
        )


def write(folder: Path, instances: int) -> tuple[Path, Path]:
    """Write both files; return where."""
    head = {
        "images": [
            {"id": id, "file_name": f"{id}.jpg", "width": WIDTH, "height": HEIGHT}
            for id in range(-(-instances // PER_IMAGE))
        ],
        "categories": [{"id": id, "name": f"class {id}"} for id in range(CLASSES)],
    }
    paths = folder / "true.json", folder / "predicted.json"
    with paths[0].open("w") as true, paths[1].open("w") as predicted:
        for file in (true, predicted):
            file.write(json.dumps(head)[:-1] + ', "annotations": [')
        for number, pair in enumerate(annotations(instances)):
            for file, record in zip((true, predicted), pair, strict=True):
                file.write((",\n" if number else "") + json.dumps(record))
        for file in (true, predicted):
            file.write("]}")
    return paths


def cpu_seconds() -> float:
    """Return what this process and its finished workers have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def main() -> None:
    """Generate, evaluate, print."""
    parser = argparse.ArgumentParser(description="Measure boxmask eval.")
    parser.add_argument("--instances", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=core_count())
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        true, predicted = write(Path(folder), options.instances)
        size = (true.stat().st_size + predicted.stat().st_size) / 1e6
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start, start_cpu = time.perf_counter(), cpu_seconds()
        found = evaluate(
            EvaluateJob(true, (predicted,), workers=options.workers, seen="class 1,class 2")
        )
        seconds, cpu = time.perf_counter() - start, cpu_seconds() - start_cpu
    mean = found.report.systems[0].splits["overall"].iou.class_mean
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    print(
        f"{options.instances:,} masks in {size:.0f} MB of JSON, {options.workers} processes: "
        f"{seconds:.1f} s ({cpu:.1f} s of CPU), class-mean IoU {mean:.4f}; "
        f"peak memory {own:.0f} MB ({before / 1e3:.0f} MB before), largest worker {workers:.0f} MB"
    )


if __name__ == "__main__":
    main()
