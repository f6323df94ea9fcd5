"""Open a generated file with a million masks in `boxmask review`, and look, filter and judge.

    python examples/bench_review.py [--annotations 1000000]

Writes about 430 MB into a temporary folder and takes about a minute; needs `boxmask[review]`. The
server runs as a user starts it, in a process of its own; the figures in brackets are what it took
of one core, which holds on a busy machine too. Expected: open in under 15 s and 1.5 GB, the first
screen in under a second after that. Of the memory, the mapped file is shown apart: the system takes
those pages back when it needs them.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

WIDTH, HEIGHT = 640, 480
PER_IMAGE = 7  # as in COCO train2017
MASKS = 2000  # different ones
CLASSES = 80
PHOTOS = 20  # different ones, each with many names
SCREEN = 24  # pictures


def mask(rng: np.random.Generator) -> str:
    """Draw an ellipse; return its box, area and run lengths as members of an annotation."""
    w, h = rng.integers(8, 200, 2)
    x, y = rng.integers(0, WIDTH - w), rng.integers(0, HEIGHT - h)
    rows, columns = np.mgrid[:h, :w]
    bits = np.zeros((HEIGHT, WIDTH), np.uint8, order="F")
    bits[y : y + h, x : x + w] = np.hypot(columns / w * 2 - 1, rows / h * 2 - 1) <= 1
    counts = json.dumps(coco_mask.encode(bits)["counts"].decode())
    runs = f'{{"size": [{HEIGHT}, {WIDTH}], "counts": {counts}}}'
    box = f"[{x}, {y}, {w}, {h}]"
    return f'"bbox": {box}, "iscrowd": 0, "area": {bits.sum()}, "segmentation": {runs}'


def write_file(path: Path, annotations: int) -> None:
    """Write an annotated file such as annotate makes."""
    rng = np.random.default_rng(0)
    masks = [mask(rng) for _ in range(MASKS)]
    choice = rng.integers(0, MASKS, annotations).tolist()
    expected = rng.beta(8, 2, annotations).round(4).tolist()
    names = [{"id": place, "name": f"class {place}"} for place in range(CLASSES)]
    with path.open("w") as file:
        file.write(f'{{"images": {json.dumps(images(annotations))}, "categories": ')
        file.write(f'{json.dumps(names)}, "annotations": [')
        for row, (kind, iou) in enumerate(zip(choice, expected, strict=True)):
            own = f'"id": {row}, "image_id": {row // PER_IMAGE}, "category_id": {kind % CLASSES}'
            mark = f'"boxmask": {{"status": "ok", "predicted_iou": {iou}}}'
            file.write(f"{', ' if row else ''}{{{own}, {masks[kind]}, {mark}}}")
        file.write("]}")


def images(annotations: int) -> list[dict[str, object]]:
    """List the image records."""
    return [
        {"id": number, "file_name": f"{number:012d}.jpg", "width": WIDTH, "height": HEIGHT}
        for number in range(annotations // PER_IMAGE + 1)
    ]


def write_photos(folder: Path, annotations: int) -> None:
    """Write some pictures, and give them the names of all images."""
    rng = np.random.default_rng(1)
    for number, record in enumerate(images(annotations)):
        path = folder / str(record["file_name"])
        if number < PHOTOS:
            coarse = rng.integers(0, 255, (HEIGHT // 20, WIDTH // 20, 3), np.uint8)
            Image.fromarray(coarse).resize((WIDTH, HEIGHT)).save(path)
        else:
            path.hardlink_to(folder / f"{number % PHOTOS:012d}.jpg")


class Server:
    """The command, and questions to it."""

    def __init__(self, file: Path, folder: Path) -> None:
        command = [sys.executable, "-m", "boxmask", "review", str(file), "--images", str(folder)]
        self.process = subprocess.Popen(
            [*command, "--no-open"], stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        assert self.process.stdout is not None
        lines = (re.search(r"http://\S+/", line) for line in self.process.stdout)
        self.address = next((found[0] for found in lines if found), "")

    def get(self, path: str) -> Any:
        """Return the JSON at a path."""
        with urlopen(self.address + path) as answer:
            return json.load(answer)

    def post(self, path: str, body: dict[str, object]) -> Any:
        """Return what is answered to JSON."""
        kind = {"Content-Type": "application/json"}
        with urlopen(Request(self.address + path, json.dumps(body).encode(), kind)) as answer:
            return json.load(answer)

    def processor(self) -> float:
        """Return the seconds of processor that it has used; 0 where the system does not tell."""
        stat = Path(f"/proc/{self.process.pid}/stat")
        if not stat.exists():
            return 0.0
        ticks = stat.read_text().rpartition(")")[2].split()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    def memory(self, name: str) -> float:
        """Return a line of what the system tells of its memory, in megabytes."""
        status = Path(f"/proc/{self.process.pid}/status")
        lines = status.read_text().splitlines() if status.exists() else []
        return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), 0.0)


def first_screen(server: Server) -> None:
    """Ask for what the page shows first."""
    server.get("api/summary")
    rows = server.get("api/instances?limit=60")["rows"]
    server.get("api/histogram")
    for one in rows[:SCREEN]:
        with urlopen(f"{server.address}crop/{one['row']}.jpg?side=320") as picture:
            picture.read()


def judge(server: Server) -> None:
    """Reject the worst mask."""
    worst = server.get("api/instances?limit=1")["rows"][0]
    verdict = {"row": worst["row"], "hash": worst["hash"], "verdict": "reject", "client": "bench"}
    server.post("api/verdict", verdict)


QUESTIONS: dict[str, Callable[[Server], object]] = {
    f"first screen, with {SCREEN} pictures": first_screen,
    "a class, small ones, a range of IoU": lambda server: server.get(
        "api/instances?category=class+7&size=S&iou_min=0.5&iou_max=0.7"
    ),
    "a text in the file names": lambda server: server.get("api/instances?image=0123"),
    "the last of the list": lambda server: server.get("api/instances?order=best&limit=60"),
    "histogram of a class": lambda server: server.get("api/histogram?category=class+7"),
    "a verdict": judge,
}


def timed(what: str, server: Server, deed: Callable[[Server], object]) -> None:
    """Do something and print how long it took, and the server's own seconds of it."""
    begun, before = time.perf_counter(), server.processor()
    deed(server)
    seconds, own = time.perf_counter() - begun, server.processor() - before
    print(f"{what:<38}{1000 * seconds:>8.0f} ms ({1000 * own:.0f})", flush=True)


def main() -> None:
    """Generate, open, ask, and print what it cost."""
    parser = argparse.ArgumentParser(description="Measure boxmask review.")
    parser.add_argument("--annotations", type=int, default=1_000_000)
    annotations = parser.parse_args().annotations
    with tempfile.TemporaryDirectory() as name:
        file, folder = Path(name) / "masks.json", Path(name) / "images"
        folder.mkdir()
        write_photos(folder, annotations)
        write_file(file, annotations)
        print(f"{annotations:,} annotations, {file.stat().st_size / 1e6:.0f} MB", flush=True)
        begun = time.perf_counter()
        server = Server(file, folder)
        try:
            seconds, own = time.perf_counter() - begun, server.processor()
            print(f"{'opened after':<38}{seconds:>8.1f} s  ({own:.1f})", flush=True)
            for what, deed in QUESTIONS.items():
                timed(what, server, deed)
            print(f"peak {server.memory('VmHWM'):.0f} MB, the mapped file included")
            print(f"own memory {server.memory('RssAnon'):.0f} MB")
        finally:
            server.process.kill()
            server.process.wait()


if __name__ == "__main__":
    main()
