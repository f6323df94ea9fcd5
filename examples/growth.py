"""How the cost of `boxmask annotate` grows: boxes of an image, its pixels, number of images.

    python examples/growth.py [--boxes N]

Every point is a process of its own that annotates a dataset made for it, all in one thread. What
it costs to start and to decode the images once is told apart, so that what is left is a box's. The
network is either the bundled one, asked about at most N boxes of an image, or `Blobs`, which
answers at once. Ten minutes.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from boxmask.annotate import workload
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.run import annotate
from boxmask.bundled import BUNDLED
from boxmask.images import load_image
from boxmask.models import Cuts
from boxmask.models.header import read_header
from boxmask.models.prediction import MaskPrediction

PHOTOS = Path(__file__).with_name("photos")
BOXES = (1, 16, 256, 1_000, 4_000, 16_000)
CROWDS = (256, 1_000, 4_000)
MEGAPIXELS = (0.3, 1, 3, 12, 50)
IMAGES = (10, 100, 1_000, 4_000)
STATUS = Path("/proc/self/status")
SMALL = 400  # boxes of 90 pixels: enough that decoding, which is taken off, may be a little slower
COVER = 2.0  # images, that boxes together are as large as
CROWDED, PIXELS = 0.065, 90.0  # a box's side, in sides of its image and in pixels


@dataclass(frozen=True)
class Dataset:
    """What a point annotates: so many images of one kind, or one image with so many boxes."""

    boxes: int = 3
    megapixels: float = 0.0  # 0: the five photographs, again and again
    images: int = 1
    share: float = 0.0  # a box's side, in sides of its image; 0: the smaller, the more there are
    pixels: float = 0.0  # a box's side, in pixels
    blobs: bool = True  # instead of the network


class Point(NamedTuple):
    """What a point has cost."""

    made: int
    cores: float  # seconds of a core, of everything but starting
    decoding: float  # seconds of a core that decoding each image once takes
    peak: float  # MB


class Blobs:
    """Answers like a network, at once: what is left is the cost of all but the network."""

    def __init__(self) -> None:
        header = read_header(BUNDLED)
        self.config, self.card = header.config, header.card

    def predict(self, cuts: Cuts, *, chunk: int, flip: bool = False) -> MaskPrediction:
        """Return a disc for each box."""
        side = cuts.pixels.shape[1] // 2
        rows, columns = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
        disc = (1 / (1 + np.exp(12 * (np.hypot(rows, columns) - 0.7)))).astype(np.float32)
        return MaskPrediction(np.tile(disc, (len(cuts), 1, 1)), np.ones(len(cuts), np.float32))


def measured(dataset: Dataset) -> Point:
    """Measure a point in a process of its own."""
    with TemporaryDirectory() as folder:
        path = _write(dataset, Path(folder))
        images = PHOTOS if not dataset.megapixels else path.parent
        given = [str(path), str(images), *(["--blobs"] if dataset.blobs else [])]
        done = subprocess.run(
            [sys.executable, __file__, "--point", *given],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            check=True,
        )
    return Point(*json.loads(done.stdout))


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


def first_of_each(boxes: Path, count: int, folder: Path) -> Path:
    """Write the first boxes of each image of a COCO file that has so many, without their masks."""
    data = json.loads(boxes.read_bytes())
    found: dict[Any, list[Any]] = {image["id"]: [] for image in data["images"]}
    for one in data["annotations"]:
        if not one.get("iscrowd"):
            bare = {key: one[key] for key in ("id", "image_id", "category_id", "bbox")}
            found[one["image_id"]].append(bare)
    data["images"] = [image for image in data["images"] if len(found[image["id"]]) >= count]
    data["annotations"] = [one for image in data["images"] for one in found[image["id"]][:count]]
    path = folder / boxes.name
    path.write_text(json.dumps(data))
    return path


def _write(dataset: Dataset, folder: Path) -> Path:
    if not dataset.megapixels:
        return copies(folder, dataset.images // 5)
    width, height = (round(side * (dataset.megapixels * 1e6 / 12) ** 0.5) for side in (4, 3))
    with Image.open(PHOTOS / "astronaut.jpg") as photo:
        photo.convert("RGB").resize((width, height)).save(folder / "one.jpg", quality=90)
    rng = np.random.default_rng(0)
    share = dataset.share or min((COVER / dataset.boxes) ** 0.5, 0.5)
    side = [dataset.pixels] * 2 if dataset.pixels else [share * width, share * height]
    sides = rng.uniform(0.5, 1.5, (dataset.boxes, 2)) * side
    corners = rng.uniform(0, 1, (dataset.boxes, 2)) * ([width, height] - sides)
    named = [
        {"id": k, "image_id": 1, "category_id": 1, "bbox": [*corner.tolist(), *size.tolist()]}
        for k, (corner, size) in enumerate(zip(corners, sides, strict=True))
    ]
    one = {"id": 1, "file_name": "one.jpg", "width": width, "height": height}
    data: dict[str, Any] = {"images": [one], "annotations": named}
    path = folder / "one.json"
    path.write_text(json.dumps(data | {"categories": [{"id": 1, "name": "thing"}]}))
    return path


def curves(most: int) -> Iterator[tuple[str, str, list[tuple[str, Dataset]]]]:
    """Yield the title of each curve, what its points are told apart by, and the points.

    The network itself is asked about at most so many boxes of an image.
    """
    alone = [(f"{count:,}", Dataset(count, 12)) for count in BOXES]
    asked = [(f"{count:,}", Dataset(count, 12, blobs=False)) for count in BOXES if count <= most]
    crowd = [(f"{count:,}", Dataset(count, 12, share=CROWDED)) for count in CROWDS]
    same = [(f"{size:g} MP", Dataset(SMALL, size, pixels=PIXELS)) for size in MEGAPIXELS]
    grown = [(f"{size:g} MP", Dataset(100, size)) for size in MEGAPIXELS]
    many = [(f"{count:,}", Dataset(images=count)) for count in IMAGES]
    yield "boxes of one image of 12 MP, all but the network", "boxes", alone
    yield "the same with the network", "boxes", asked
    yield "boxes that are not smaller where they are more, all but the network", "boxes", crowd
    yield f"pixels of one image, {SMALL} boxes of 90 pixels, all but the network", "pixels", same
    yield "the same where boxes are larger in larger images", "pixels", grown
    yield "photographs of 0.2 MP, three boxes each, all but the network", "images", many


def print_growth(most: int) -> None:
    """Print the curves."""
    for title, kind, points in curves(most):
        print(title)
        print(f"  {kind:>8} {'ms a box':>10} {'beside decoding':>16} {'decoding s':>11} {'MB':>6}")
        for name, dataset in points:
            found = measured(dataset)
            each, beside = found.cores / found.made, (found.cores - found.decoding) / found.made
            print(
                f"  {name:>8} {1000 * each:10.2f} {1000 * beside:16.2f} {found.decoding:11.2f} "
                f"{found.peak:6.0f}",
                flush=True,
            )


def _peak() -> float:
    """Return the most memory that this process has had, in MB; not that of its parent."""
    if STATUS.exists():
        lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        2**20 if sys.platform == "darwin" else 2**10
    )


def _decoding(boxes: Path, images: Path) -> float:
    """Time decoding each image once."""
    names = [image["file_name"] for image in json.loads(boxes.read_bytes())["images"]]
    started = time.process_time()
    for name in names:
        load_image(images, name)
    return time.process_time() - started


def _print_point(boxes: Path, images: Path, *, blobs: bool) -> None:
    """Annotate a dataset, and print what that costs."""
    out = boxes.with_suffix(".out.json")
    job = AnnotateJob(boxes=boxes, images=images, out=out, tightness=0.0, device="cpu", threads=1)
    if blobs:
        setattr(workload, "load_network", lambda *_, **__: Blobs())  # noqa: B010
    started = time.process_time()
    summary = annotate(job, lambda event: None)
    spent, peak = time.process_time() - started, _peak()
    print(json.dumps([summary.predicted, spent, _decoding(boxes, images), peak]))


def main() -> None:
    """Print the curves, or be the process of one point."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--boxes", type=int, default=1_000, help="the most, with the network")
    parser.add_argument("--point", type=Path, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--blobs", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.point:
        _print_point(*options.point, blobs=options.blobs)
    else:
        print_growth(options.boxes)


if __name__ == "__main__":
    main()
