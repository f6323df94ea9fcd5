"""Where the time of `boxmask annotate` goes on a CPU, and how it grows.

    python examples/bench_annotate.py [BOXES.json --images DIR] [--boxes N] [--growth]

Prints the whole command by each runtime (of ten images, and of all), the share of each stage,
the floors (decoding alone, network alone), and by `--growth` the curves over boxes of an image,
pixels of an image and number of images. Everything is counted in seconds of a core, of the program
and its children: what else the machine does hardly changes them. Without a file, on the five
photographs, ten times over. A few minutes.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from boxmask.annotate.encode import encode_batch
from boxmask.annotate.events import Event
from boxmask.annotate.hints import hints_without_measuring
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.plan import Shard
from boxmask.annotate.prepare import prepare_image
from boxmask.annotate.runtime import load_network
from boxmask.annotate.workload import Inputs, Workload, open_workload
from boxmask.bundled import BUNDLED
from boxmask.images import load_image
from boxmask.models import Cuts
from boxmask.models.prediction import MaskPrediction, Network

PHOTOS = Path(__file__).with_name("photos")
RUNTIMES = ("torch", "openvino")
COPIES = 10
BOXES = (1, 10, 100, 1_000, 4_000, 16_000)
MEGAPIXELS = (0.3, 1, 3, 12, 50)
IMAGES = (10, 100, 500)


class Cost(NamedTuple):
    """What a command has cost."""

    cores: float  # seconds of a core
    peak: float  # MB


def cost_of(*command: str) -> Cost:
    """Run a command and count."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-m", "boxmask", *command], env=environment)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"boxmask {' '.join(command)} has failed.")
    megabyte = 2**20 if sys.platform == "darwin" else 2**10
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / megabyte)


def annotated(boxes: Path, images: Path, *options: str) -> Cost:
    """Annotate a file on a CPU, by one thread."""
    with TemporaryDirectory() as folder:
        given = [str(boxes), "--images", str(images), "--out", f"{folder}/out.json", *options]
        return cost_of("annotate", *given, "--device", "cpu", "--tightness", "exact", "-q")


class Clock:
    """Seconds of a core by stage."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Count what is done in the block."""
        started = time.process_time()
        yield
        self.spent[stage] = self.spent.get(stage, 0) + time.process_time() - started


def silent(event: Event) -> None:
    """Take no notice."""


def opened(boxes: Path, images: Path) -> Workload:
    """Read the boxes of a file that want masks, taken to be exact."""
    out = boxes.with_suffix(".never")
    job = AnnotateJob(boxes=boxes, images=images, out=out, tightness=0.0, overwrite=True)
    return open_workload(Inputs(job, "cpu", "fp32", silent), hints_without_measuring(job))


def stages(clock: Clock, boxes: Path, images: Path, network: Network) -> int:
    """Do the work of a run stage by stage, in one thread; return how many masks were made."""
    with clock("read"):
        workload = opened(boxes, images)
    every, made = Shard(0, len(workload.dataset.image_ids), 0), 0
    for image, rows in workload.rows_to_predict(every, at_once=AnnotateJob.batch_boxes):
        with clock("decode, floor"):
            load_image(images, workload.dataset.file_names[image])
        with clock("decode and cut"):
            prepared = prepare_image(workload, network.config, image=image, rows=rows)
        for each in prepared:
            if each.views is not None:
                with clock("network, floor"):
                    predicted = network.predict(each.views, chunk=AnnotateJob.batch_boxes)
                with clock("paste and encode"):
                    made += len(encode_batch([each], predicted, workload.job))
    return made


def copies(folder: Path, count: int) -> Path:
    """Write the boxes of the five photographs as those of so many copies of them."""
    data = json.loads((PHOTOS / "boxes.json").read_bytes())
    images, annotations = [], []
    for copy in range(count):
        first, base = copy * len(data["images"]), copy * len(data["annotations"])
        order = {image["id"]: first + place for place, image in enumerate(data["images"])}
        images += [image | {"id": order[image["id"]]} for image in data["images"]]
        annotations += [
            one | {"id": base + place, "image_id": order[one["image_id"]]}
            for place, one in enumerate(data["annotations"])
        ]
    path = folder / f"{count}.json"
    path.write_text(json.dumps(data | {"images": images, "annotations": annotations}))
    return path


def one_image(folder: Path, *, boxes: int, megapixels: float) -> tuple[Path, Path]:
    """Write a photograph of so many pixels with boxes of a few sizes all over it."""
    images = folder / "images"
    images.mkdir(exist_ok=True)
    width, height = (round(side * (megapixels * 1e6 / 12) ** 0.5) for side in (4, 3))
    with Image.open(PHOTOS / "astronaut.jpg") as photo:
        photo.convert("RGB").resize((width, height)).save(images / "one.jpg", quality=90)
    rng = np.random.default_rng(0)
    sides = rng.uniform(0.03, 0.1, (boxes, 2)) * [width, height]
    corners = rng.uniform(0, 1, (boxes, 2)) * ([width, height] - sides)
    named = [
        {"id": k, "image_id": 1, "category_id": 1, "bbox": [*corner.tolist(), *side.tolist()]}
        for k, (corner, side) in enumerate(zip(corners, sides, strict=True))
    ]
    one = {"id": 1, "file_name": "one.jpg", "width": width, "height": height}
    data: dict[str, Any] = {"images": [one], "annotations": named}
    path = folder / "one.json"
    path.write_text(json.dumps(data | {"categories": [{"id": 1, "name": "thing"}]}))
    return path, images


class Blobs:
    """Answers like a network, at once: what is left is the cost of all but the network."""

    def __init__(self, network: Network) -> None:
        self.config, self.card = network.config, network.card

    def predict(self, cuts: Cuts, *, chunk: int, flip: bool = False) -> MaskPrediction:
        """Return a disc for each box."""
        side = cuts.pixels.shape[1] // 2
        rows, columns = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
        disc = (1 / (1 + np.exp(12 * (np.hypot(rows, columns) - 0.7)))).astype(np.float32)
        return MaskPrediction(np.tile(disc, (len(cuts), 1, 1)), np.ones(len(cuts), np.float32))


def print_commands(boxes: Path, images: Path) -> None:
    """Print what the whole command costs by each runtime."""
    print("the whole command            cores s   peak MB")
    for runtime in RUNTIMES:
        for what, limit in (("10 images", ("--limit", "10")), ("all", ())):
            cost = annotated(boxes, images, "--runtime", runtime, *limit)
            print(f"  {runtime:9} {what:14} {cost.cores:9.2f} {cost.peak:9.0f}", flush=True)


def print_images() -> None:
    """Print how the cost of the command goes with the number of images."""
    print("the whole command by images, three boxes each")
    with TemporaryDirectory() as folder:
        for count in IMAGES:
            cost = annotated(copies(Path(folder), count // 5), PHOTOS)
            each = f"{1000 * cost.cores / count:9.1f} ms an image"
            print(f"  {count:24,} {cost.cores:9.2f} {cost.peak:9.0f} {each}", flush=True)


def print_stages(boxes: Path, images: Path, networks: dict[str, Network]) -> None:
    """Print the share of each stage, and the ratio of the runtimes."""
    floors = {}
    for runtime, network in networks.items():
        stages(Clock(), boxes, images, network)  # warms up
        clock = Clock()
        made = stages(clock, boxes, images, network)
        floors[runtime] = clock.spent["network, floor"]
        total = sum(clock.spent.values()) - clock.spent["decode, floor"]
        print(f"by stage, {runtime}: {made:,} boxes, {made / total:.1f} a second of a core")
        for stage, spent in clock.spent.items():
            print(f"  {stage:18} {1000 * spent / made:7.2f} ms a box {100 * spent / total:6.1f} %")
        whole = f"{total / floors['torch']:.2f} of PyTorch's network alone"
        print(f"  {'all of it':18} {1000 * total / made:7.2f} ms a box, {whole}", flush=True)
    print(f"network, openvino to torch: {floors['openvino'] / floors['torch']:.2f}")


def print_growth(network: Network, most: int) -> None:
    """Print how the cost goes with the boxes and the pixels of one image."""
    answers: tuple[tuple[str, Network, int], ...] = (
        ("all but the network", Blobs(network), max(BOXES)),
        ("with the network", network, most),
    )
    for title, asked, limit in answers:
        print(f"{title}, boxes of one image of 12 MP: ms a box")
        for count in (each for each in BOXES if each <= limit):
            print(f"  {count:8,} {_milliseconds(asked, count, 12):9.2f}", flush=True)
    print("all but the network and decoding, 100 boxes of an image: ms a box by megapixels")
    for megapixels in MEGAPIXELS:
        print(f"  {megapixels:8} {_milliseconds(Blobs(network), 100, megapixels):9.2f}", flush=True)


def _milliseconds(network: Network, boxes: int, megapixels: float) -> float:
    """Measure a box's share of all stages but reading and decoding."""
    with TemporaryDirectory() as folder:
        clock = Clock()
        made = stages(clock, *one_image(Path(folder), boxes=boxes, megapixels=megapixels), network)
    spent = clock.spent
    work = spent["decode and cut"] - spent["decode, floor"] + spent["paste and encode"]
    return 1000 * (work + spent["network, floor"]) / made


def main() -> None:
    """Print it all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("boxes_file", type=Path, nargs="?", metavar="BOXES")
    parser.add_argument("--images", type=Path, default=PHOTOS)
    parser.add_argument("--boxes", type=int, default=1_000, help="the most, with the network")
    parser.add_argument("--growth", action="store_true")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        boxes = options.boxes_file or copies(Path(folder), COPIES)
        # Commands first: a child's peak begins with that of its parent.
        print_commands(boxes, options.images)
        if options.growth:
            print_images()
        networks: dict[str, Network] = {
            by: load_network(BUNDLED, device="cpu", precision="fp32", runtime=by, threads=1)
            for by in RUNTIMES
        }
        print_stages(boxes, options.images, networks)
    if options.growth:
        print_growth(networks["openvino"], options.boxes)


if __name__ == "__main__":
    main()
