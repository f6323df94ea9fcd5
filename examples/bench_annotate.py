"""Where the time of `boxmask annotate` goes on a CPU, and how it grows.

    python examples/bench_annotate.py [BOXES.json --images DIR [--each N]] [--boxes N] [--growth]

Prints the whole command by each runtime (of ten images, and of all), OpenVINO also in bf16 where
the CPU has units for it, the share of each stage, the floors (decoding alone, network alone), what
other networks need for the same boxes (rivals.py), and by `--growth` the curves over boxes of an
image, pixels of an image and number of images (growth.py). Everything is counted in seconds of a
core, of the program and its children: what else the machine does hardly changes them. Without a
file, on the five photographs, ten times over. With `--each N`, on the first N boxes of each image
of a COCO file that has so many. Two minutes, and ten with all the growth.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from growth import PHOTOS, copies, first_of_each, print_growth
from rivals import print_rivals

from boxmask.annotate.batches import Batching, predict_in_batches
from boxmask.annotate.encode import encode_batch
from boxmask.annotate.events import Event
from boxmask.annotate.hints import hints_without_measuring
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.plan import Shard
from boxmask.annotate.prepare import BoxViews, prepare_image
from boxmask.annotate.runtime import load_network
from boxmask.annotate.workload import Inputs, Workload, open_workload
from boxmask.bundled import BUNDLED
from boxmask.images import load_image
from boxmask.models import Cuts
from boxmask.models.openvino_library import computes_bf16
from boxmask.models.prediction import MaskPrediction, Network

# By name: runtime and precision. The last only on CPUs with units for it.
RUNTIMES = {"torch": ("torch", "fp32"), "openvino": ("openvino", "fp32")}
MIXED = {"bf16": ("openvino", "bf16")}
COPIES = 10
WARM_UPS = 5  # of OpenVINO, after which it computes views in pairs, as in a long run

# A process's peak begins with that of the one that starts it: a small one has to.
COUNT = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=sys.stderr)
_, status, used = os.wait4(process.pid, 0)
print(status, used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


class Cost(NamedTuple):
    """What a command has cost."""

    cores: float  # seconds of a core
    peak: float  # MB


def asked() -> dict[str, tuple[str, str]]:
    """Return the runtimes that this machine has."""
    return RUNTIMES | (MIXED if computes_bf16() else {})


def cost_of(*command: str) -> Cost:
    """Run a command and count."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    whole = [sys.executable, "-c", COUNT, sys.executable, "-m", "boxmask", *command]
    counted = subprocess.run(whole, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    status, cores, peak = map(float, counted.stdout.split())
    if status:
        raise SystemExit(f"boxmask {' '.join(command)} has failed.")
    megabyte = 2**20 if sys.platform == "darwin" else 2**10
    return Cost(cores, peak / megabyte)


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


class Clocked:
    """A network whose seconds of a core are counted."""

    def __init__(self, network: Network, clock: Clock) -> None:
        self.network, self.clock = network, clock
        self.config, self.card = network.config, network.card

    def predict(self, cuts: Cuts, *, chunk: int, flip: bool = False) -> MaskPrediction:
        """Predict as the network does."""
        with self.clock("network, floor"):
            return self.network.predict(cuts, chunk=chunk, flip=flip)


def prepared(
    clock: Clock, workload: Workload, images: Path, network: Network
) -> Iterator[BoxViews]:
    """Decode all images and cut their views."""
    every = Shard(0, len(workload.dataset.image_ids), 0)
    for image, rows in workload.rows_to_predict(every, at_once=AnnotateJob.batch_boxes):
        with clock("decode, floor"):
            load_image(images, workload.dataset.file_names[image])
        with clock("decode and cut"):
            found = prepare_image(workload, network.config, image=image, rows=rows)
        yield from found


def stages(clock: Clock, boxes: Path, images: Path, network: Network) -> int:
    """Do the work of a run stage by stage, in one thread; return how many masks were made."""
    with clock("read"):
        workload = opened(boxes, images)
    job, made = workload.job, 0
    views = prepared(clock, workload, images, network)
    batching = Batching(job.batch_images, job.batch_boxes)
    for group, predicted in predict_in_batches(Clocked(network, clock), views, batching):
        with clock("paste and encode"):
            made += len(encode_batch(group, predicted, job))
    return made


def print_commands(boxes: Path, images: Path) -> None:
    """Print what the whole command costs by each runtime."""
    print("the whole command            cores s   peak MB")
    for name, (runtime, precision) in asked().items():
        for what, limit in (("10 images", ("--limit", "10")), ("all", ())):
            how = ("--runtime", runtime, "--precision", precision)
            cost = annotated(boxes, images, *how, *limit)
            print(f"  {name:9} {what:14} {cost.cores:9.2f} {cost.peak:9.0f}", flush=True)


def print_stages(boxes: Path, images: Path, networks: dict[str, Network]) -> float:
    """Print the share of each stage, and ratios; return a box's seconds by OpenVINO in fp32."""
    floors, totals = {}, {}
    for runtime, network in networks.items():
        for _ in range(1 if runtime == "torch" else WARM_UPS):
            stages(Clock(), boxes, images, network)
        clock = Clock()
        made = stages(clock, boxes, images, network)
        floors[runtime] = clock.spent["network, floor"]
        total = sum(clock.spent.values()) - clock.spent["decode, floor"]
        totals[runtime] = total / made
        print(f"by stage, {runtime}: {made:,} boxes, {made / total:.1f} a second of a core")
        for stage, spent in clock.spent.items():
            print(f"  {stage:18} {1000 * spent / made:7.2f} ms a box {100 * spent / total:6.1f} %")
        whole = f"{total / floors['torch']:.2f} of PyTorch's network alone"
        print(f"  {'all of it':18} {1000 * total / made:7.2f} ms a box, {whole}", flush=True)
    for runtime in [*networks][1:]:
        print(f"network, {runtime} to torch: {floors[runtime] / floors['torch']:.2f}")
    return totals["openvino"]


def main() -> None:
    """Print it all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("boxes_file", type=Path, nargs="?", metavar="BOXES")
    parser.add_argument("--images", type=Path, default=PHOTOS)
    parser.add_argument("--each", type=int, help="boxes of each image of BOXES that has so many")
    parser.add_argument("--boxes", type=int, default=1_000, help="the most, with the network")
    parser.add_argument("--growth", action="store_true")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        boxes = options.boxes_file or copies(Path(folder), COPIES)
        if options.each:
            boxes = first_of_each(boxes, options.each, Path(folder))
        print_commands(boxes, options.images)
        if options.growth:
            print_growth(options.boxes)
        networks: dict[str, Network] = {
            name: load_network(BUNDLED, device="cpu", precision=how, runtime=by, threads=1)
            for name, (by, how) in asked().items()
        }
        ours = print_stages(boxes, options.images, networks)
        print_rivals(boxes, options.images, ours)


if __name__ == "__main__":
    main()
