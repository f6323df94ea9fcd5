"""Read a file of the size of COCO's train2017: boxmask against json.load, time and memory.

    python examples/bench_reading.py [--annotations 860000]

Writes about 440 MB into a temporary folder and takes about a minute. Each reader runs in a process
of its own, so that its peak memory is its own. Expected: boxmask needs at most a quarter of
json.load's time and stays below 1.2 GB. On a busy machine compare the processor's seconds.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ANNOTATIONS = 860_001
IMAGES = 118_287
POINTS_MEDIAN, POINTS_SPREAD = 17, 0.8  # of COCO's polygons: log-normal, mean 23
PEAK_UNIT = 1024 if sys.platform != "darwin" else 1


def image(number: int) -> str:
    """Write one image record as COCO has them."""
    name = f"{number:012d}.jpg"
    return (
        f'{{"license": 3, "file_name": "{name}", "coco_url": '
        f'"http://images.cocodataset.org/train2017/{name}", "height": 480, "width": 640, '
        f'"date_captured": "2013-11-14 17:02:52", "flickr_url": '
        f'"http://farm9.staticflickr.com/8186/8119368305_4e622c8349_z.jpg", "id": {number}}}'
    )


def polygons(generator: np.random.Generator, count: int) -> list[str]:
    """Make outlines whose lengths are spread as COCO's are."""
    points = np.exp(generator.normal(np.log(POINTS_MEDIAN), POINTS_SPREAD, count))
    return [
        json.dumps([generator.uniform(10, 600, 2 * max(3, int(n))).round(2).tolist()])
        for n in points
    ]


def write(path: Path, annotations: int) -> None:
    """Write an instances file with that many annotations."""
    generator = np.random.default_rng(0)
    outlines = polygons(generator, 5000)
    images = max(1, annotations * IMAGES // ANNOTATIONS)
    with path.open("w") as file:
        file.write('{"info": {"year": 2017}, "licenses": [], "images": [')
        file.write(", ".join(image(number) for number in range(images)))
        file.write('], "annotations": [')
        for id in range(annotations):
            x, y, width, height = generator.uniform(1, 240, 4).round(2)
            file.write(
                f'{", " if id else ""}{{"segmentation": {outlines[id % len(outlines)]}, "area": '
                f'{width * height / 2:.4f}, "iscrowd": 0, "image_id": {id % images}, "bbox": '
                f'[{x}, {y}, {width}, {height}], "category_id": {id % 90 + 1}, "id": {id}}}'
            )
        names = ({"supercategory": "thing", "id": id, "name": f"thing {id}"} for id in range(1, 91))
        file.write(f'], "categories": {json.dumps(list(names))}}}')


def with_json(path: Path) -> int:
    """Read with Python's own json."""
    with path.open() as file:
        return len(json.load(file)["annotations"])


def with_boxmask(path: Path) -> int:
    """Read with boxmask."""
    from boxmask.data import read

    return len(read(path).boxes)


READERS: dict[str, Callable[[Path], int]] = {"json.load": with_json, "boxmask": with_boxmask}


def measure(name: str, path: Path) -> tuple[float, ...]:
    """Run one reader in a process of its own: (seconds, processor seconds, peak megabytes)."""
    command = [sys.executable, __file__, "--reader", name, "--file", str(path)]
    return tuple(map(float, subprocess.check_output(command, text=True).split()))


def main() -> None:
    """Generate, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--annotations", type=int, default=ANNOTATIONS)
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.reader:
        start, start_cpu = time.perf_counter(), time.process_time()
        READERS[arguments.reader](arguments.file)
        seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT / 1e6
        print(seconds, cpu, peak)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "instances.json"
        write(path, arguments.annotations)
        print(f"{arguments.annotations} annotations, {path.stat().st_size / 1e6:.0f} MB")
        figures = {name: measure(name, path) for name in READERS}
    print(f"{'reader':<12}{'seconds':>9}{'of json':>9}{'CPU s':>9}{'of json':>9}{'peak MB':>9}")
    base = figures["json.load"]
    for name, (seconds, cpu, peak) in figures.items():
        ratios = f"{seconds / base[0]:>9.2f}{cpu:>9.2f}{cpu / base[1]:>9.2f}"
        print(f"{name:<12}{seconds:>9.2f}{ratios}{peak:>9.0f}")


if __name__ == "__main__":
    main()
