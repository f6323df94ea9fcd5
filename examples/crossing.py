"""Draw cables that cross one another over photographs: a measure of thin masks.

    python examples/crossing.py BOXES --images PHOTOS --out crossing [--count 60] [--seed 1]
    boxmask eval crossing/instances.json --weights bundled --images crossing/images

The photographs are the first `--count` that BOXES names, by name. The cables are drawn by the same
hand as those that training pastes (train/data/strands.py): on photographs and with seeds of their
own they show how far that was learnt, not how well real cables are outlined. Writes
crossing/images/ and crossing/instances.json in about 20 seconds.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from boxmask import rle
from boxmask.data import ReadOptions, read
from boxmask.train.data.cutpaste import Cutout, paste_cutout
from boxmask.train.data.scene import Instance, Scene
from boxmask.train.data.strands import draw_strands

Random = np.random.Generator

SIDE = 0.5  # of the photograph's shorter side: how large the cables are about
APART = 0.25  # of that: how far their middles lie from that of the bundle


def draw_bundle(random: Random, *, side: float) -> list[Cutout]:
    """Draw cables until there are two or more of them."""
    while True:
        cutouts = draw_strands(random, side=side)
        if len(cutouts) > 1 and cutouts[0].name == "drawn cable":
            return cutouts


def draw_scene(photo: Path, random: Random) -> Scene:
    """Paste a bundle near the middle of a photograph; its instances are the cables alone."""
    with Image.open(photo) as opened:
        scene = Scene(np.asarray(opened.convert("RGB")), ())
    height, width = scene.image.shape[:2]
    side = SIDE * min(height, width)
    middle = random.uniform(0.35, 0.65, 2) * (width, height)
    for cutout in draw_bundle(random, side=side):
        x, y = middle + random.uniform(-APART, APART, 2) * side - np.array(cutout.alpha.T.shape) / 2
        scene = paste_cutout(scene, cutout, x=round(x), y=round(y)) or scene
    return scene


def record(
    instance: Instance, number: int, image: int, *, width: int, height: int
) -> dict[str, Any]:
    """Write a cable as a COCO annotation."""
    assert instance.mask is not None
    runs = rle.runs(instance.mask, width=width, height=height)
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "bbox": list(rle.bounding_box(runs, height=height)),
        "area": rle.area(runs),
        "iscrowd": 0,
        "segmentation": {
            "size": [height, width],
            "counts": rle.compress(runs, width=width, height=height).decode(),
        },
    }


def main() -> None:
    """Write the pictures and their masks."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("boxes", type=Path, help="a box file: its photographs are drawn over")
    parser.add_argument("--images", type=Path, required=True, help="the folder of photographs")
    parser.add_argument("--out", type=Path, required=True, help="a folder to make")
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    names = sorted(set(read(options.boxes, ReadOptions(images=options.images)).file_names))
    photos = [options.images / name for name in names]
    (options.out / "images").mkdir(parents=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for n in range(options.count):
        scene = draw_scene(photos[n % len(photos)], np.random.default_rng([options.seed, n]))
        height, width = scene.image.shape[:2]
        name = f"{n:03d}.png"
        Image.fromarray(scene.image).save(options.out / "images" / name)
        images.append({"id": n, "file_name": name, "width": width, "height": height})
        for instance in scene.instances:
            number = len(annotations) + 1
            annotations.append(record(instance, number, n, width=width, height=height))
    categories = [{"id": 1, "name": "cable"}]
    dataset = {"images": images, "annotations": annotations, "categories": categories}
    (options.out / "instances.json").write_text(json.dumps(dataset))
    print(f"{len(images)} images, {len(annotations)} cables in {options.out}")


if __name__ == "__main__":
    main()
