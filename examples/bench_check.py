"""Measure `boxmask check` on a generated pair of files with a million annotations.

    python examples/bench_check.py --annotations 1000000

Prints the seconds and the peak memory of the check, which runs in a process of its own. The goal is
a million annotations in under a minute. Of the memory, the two files that are mapped are shown
apart: those pages belong to the system, which takes them back when it needs them.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask

WIDTH, HEIGHT = 640, 480
PER_IMAGE = 7  # as in COCO train2017
MASKS = 2000  # different ones

CHECK = """
import sys, time
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from boxmask.check import check
from boxmask.data import read
start = time.perf_counter()
report = check(read(Path(sys.argv[1])), Path(sys.argv[2]))
assert report.holds, report.first
seconds = time.perf_counter() - start
status = Path("/proc/self/status")
lines = status.read_text().split("\\n") if status.exists() else []
own = [int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon")]
print(f"{seconds:.1f} s for {report.annotations} annotations: {report.statuses}")
print(f"peak {getrusage(RUSAGE_SELF).ru_maxrss / 1024:.0f} MB, mapped files included")
print(f"own memory at the end {own[0]:.0f} MB" if own else "")
"""


def mask(rng: np.random.Generator) -> tuple[str, str]:
    """Draw an ellipse; return the rest of its annotation before and after a run."""
    w, h = rng.integers(8, 200, 2)
    x, y = rng.integers(0, WIDTH - w), rng.integers(0, HEIGHT - h)
    rows, columns = np.mgrid[:h, :w]
    bits = np.zeros((HEIGHT, WIDTH), np.uint8, order="F")
    bits[y : y + h, x : x + w] = np.hypot(columns / w * 2 - 1, rows / h * 2 - 1) <= 1
    counts = coco_mask.encode(bits)["counts"].decode()
    before = f'"bbox": [{x}, {y}, {w}, {h}], "iscrowd": 0, "area": '
    segmentation = json.dumps({"size": [HEIGHT, WIDTH], "counts": counts})
    result = '"boxmask": {"status": "ok", "predicted_iou": 0.873}'
    after = f'{before}{bits.sum()}, "segmentation": {segmentation}, {result}'
    return f"{before}{w * h}.0", after


def write_pair(folder: Path, annotations: int) -> None:
    """Write in.json and out.json."""
    rng = np.random.default_rng(0)
    masks = [mask(rng) for _ in range(MASKS)]
    choice = rng.integers(0, MASKS, annotations).tolist()
    images = [
        {"id": i, "file_name": f"{i:012d}.jpg", "width": WIDTH, "height": HEIGHT}
        for i in range(annotations // PER_IMAGE + 1)
    ]
    head = {"info": {}, "images": images, "categories": [{"id": 1, "name": "thing"}]}
    for side, name in enumerate(("in.json", "out.json")):
        with (folder / name).open("w") as file:
            file.write(json.dumps(head)[:-1] + ', "annotations": [')
            for row, kind in enumerate(choice):
                own = f'"id": {row}, "image_id": {row // PER_IMAGE}, "category_id": 1'
                file.write(f"{', ' if row else ''}{{{own}, {masks[kind][side]}}}")
            file.write("]}")


def main() -> None:
    """Generate, check in another process, and print what it cost."""
    parser = argparse.ArgumentParser(description="Measure boxmask check.")
    parser.add_argument("--annotations", type=int, default=1_000_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_pair(folder, parser.parse_args().annotations)
        sizes = [(folder / side).stat().st_size / 2**20 for side in ("in.json", "out.json")]
        print("input {:.0f} MB, output {:.0f} MB".format(*sizes), flush=True)
        files = [str(folder / "in.json"), str(folder / "out.json")]
        subprocess.run([sys.executable, "-c", CHECK, *files], check=True)


if __name__ == "__main__":
    main()
