"""Draw pictures of textured shapes whose masks are known exactly, as a COCO dataset.

    python examples/shapes.py OUT --images 40 --seed 0 --kinds disc,ring

Takes about 40 ms a picture and writes OUT/images/, OUT/instances.json (boxes and masks) and
OUT/boxes.json (the same without masks). `--kinds train` and `--kinds test` name two groups that
have no shape in common: train on one, annotate the other, compare with the known masks.

Letters: H W the picture. A shape is a function of (x, y) in its own frame, where it fills the
square from -1 to 1, and is true inside; pixels are asked at their centre. Later shapes lie on top.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from pycocotools import mask as coco_mask

Floats = npt.NDArray[np.float64]
Bits = npt.NDArray[np.bool_]
Shape = Callable[[Floats, Floats], Bits]
Random = np.random.Generator
BICUBIC = Image.Resampling.BICUBIC
RADII = (0.07, 0.25)  # of shapes, in the shorter side of their picture
MOST = 7  # shapes of a picture


def disc(rng: Random) -> Shape:
    """A round disc."""
    return lambda x, y: x**2 + y**2 <= 1


def ring(rng: Random) -> Shape:
    """A disc with a round hole."""
    hole = rng.uniform(0.4, 0.7)
    return lambda x, y: (x**2 + y**2 <= 1) & (x**2 + y**2 > hole**2)


def bar(rng: Random) -> Shape:
    """A thin rectangle."""
    half = rng.uniform(0.12, 0.3)
    return lambda x, y: (np.abs(x) <= 1) & (np.abs(y) <= half)


def box(rng: Random) -> Shape:
    """A rectangle of any proportion."""
    half = rng.uniform(0.5, 1)
    return lambda x, y: (np.abs(x) <= 1) & (np.abs(y) <= half)


def triangle(rng: Random) -> Shape:
    """A triangle standing on its base."""
    tip = rng.uniform(-0.5, 0.5)
    return lambda x, y: (np.abs(y) <= 1) & (np.abs(x - tip * (1 - y) / 2) <= (1 + y) / 2)


def star(rng: Random) -> Shape:
    """A star of four to seven points."""
    points, depth = int(rng.integers(4, 8)), rng.uniform(0.4, 0.6)

    def inside(x: Floats, y: Floats) -> Bits:
        turn = np.abs(np.arctan2(y, x) / (2 * np.pi) * points % 1 - 0.5) * 2
        return np.hypot(x, y) <= depth + (1 - depth) * turn

    return inside


def blob(rng: Random) -> Shape:
    """A closed curve that wobbles about a circle."""
    waves = rng.normal(0, 0.09, (2, 4))
    orders = np.arange(2, 6)[:, None, None]

    def inside(x: Floats, y: Floats) -> Bits:
        angle = np.arctan2(y, x)[None] * orders
        wobble = np.tensordot(waves[0], np.cos(angle), 1) + np.tensordot(waves[1], np.sin(angle), 1)
        return np.hypot(x, y) <= np.clip(0.75 + wobble, 0.3, 1)

    return inside


def crescent(rng: Random) -> Shape:
    """A disc with a bite out of its side."""
    shift = rng.uniform(0.4, 0.8)
    return lambda x, y: (x**2 + y**2 <= 1) & ((x - shift) ** 2 + y**2 > 0.8)


def heart(rng: Random) -> Shape:
    """A heart."""
    return lambda x, y: (
        ((1.15 * x) ** 2 + (1.15 * y) ** 2 - 0.6) ** 3 + (1.15 * x) ** 2 * (1.15 * y) ** 3 <= 0
    )


KINDS: dict[str, Callable[[Random], Shape]] = {
    "disc": disc,
    "ring": ring,
    "bar": bar,
    "box": box,
    "triangle": triangle,
    "star": star,
    "blob": blob,
    "crescent": crescent,
    "heart": heart,
}
GROUPS = {
    "train": ["box", "triangle", "star", "blob", "crescent", "heart"],
    "test": ["disc", "ring", "bar"],
}


def noise(rng: Random, height: int, width: int, grain: int) -> Floats:
    """Return smooth noise (H, W) in 0..1 whose spots are about `grain` pixels wide."""
    small = rng.random((height // grain + 2, width // grain + 2)) * 255
    enlarged = Image.fromarray(small.astype(np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    return np.asarray(enlarged, np.float64) / 255


def texture(rng: Random, height: int, width: int) -> Floats:
    """Return a surface (H, W, 3) in 0..255: two colours mixed by noise or by stripes."""
    first, second = rng.uniform(0, 255, (2, 3))
    second = first + (second - first) * rng.uniform(0.1, 0.5)
    pattern = noise(rng, height, width, int(rng.integers(2, 24)))
    if rng.random() < 0.3:
        angle, period = rng.uniform(0, np.pi), rng.uniform(4, 16)
        y, x = np.mgrid[:height, :width]
        pattern = 0.5 + 0.5 * np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
    mixed: Floats = first + (second - first) * pattern[:, :, None]
    return mixed


def inside_of(shape: Shape, place: Floats, height: int, width: int) -> tuple[Bits, Floats]:
    """Ask a shape at every pixel centre; return the mask and the antialiased cover (H, W).

    `place` is centre x, y, radius, stretch, turn.
    """
    cx, cy, radius, stretch, turn = place
    reach = radius * 1.5  # the corner of the shape's own square
    rows = slice(*np.clip([cy - reach, cy + reach + 1], 0, height).astype(int))
    columns = slice(*np.clip([cx - reach, cx + reach + 1], 0, width).astype(int))
    y, x = np.mgrid[rows, columns] + 0.5
    cos, sin = np.cos(turn) / radius, np.sin(turn) / radius

    def at(dx: float, dy: float) -> Bits:
        u, v = x + dx - cx, y + dy - cy
        return shape(u * cos + v * sin, (v * cos - u * sin) / stretch)

    bits, cover = np.zeros((height, width), np.bool_), np.zeros((height, width))
    offsets = (-0.375, -0.125, 0.125, 0.375)
    cover[rows, columns] = np.mean([at(dx, dy) for dx in offsets for dy in offsets], axis=0)
    bits[rows, columns] = at(0, 0)
    return bits, cover


def places(
    rng: Random, count: int, height: int, width: int, radii: tuple[float, float]
) -> Iterator[Floats]:
    """Yield where each shape goes: some touch the one before, and some cross it."""
    side = min(height, width)
    last = np.zeros(0)
    for _ in range(count):
        radius = rng.uniform(*radii) * side
        centre = rng.uniform([0, 0], [width, height])
        relation = rng.choice(["free", "touching", "crossing"], p=[0.5, 0.3, 0.2])
        if len(last) and relation == "touching":
            angle = rng.uniform(0, 2 * np.pi)
            centre = last[:2] + (last[2] + radius) * np.array([np.cos(angle), np.sin(angle)])
        elif len(last) and relation == "crossing":
            centre = last[:2]
        turn = rng.uniform(0, 2 * np.pi)
        last = np.array([*centre, radius, rng.uniform(0.6, 1), turn])
        yield last


def scene(
    rng: Random,
    kinds: list[str],
    height: int,
    width: int,
    *,
    radii: tuple[float, float] = RADII,
    most: int = MOST,
) -> tuple[npt.NDArray[np.uint8], list[tuple[str, Bits]]]:
    """Draw one picture (H, W, 3); return it and (kind, visible mask) of the shapes in it.

    A shape of which others leave less than a quarter, or too little to recognise, is not listed.
    """
    canvas = texture(rng, height, width)
    names: list[str] = []
    whole: list[Bits] = []
    seen: list[Bits] = []
    for place in places(rng, int(rng.integers(2, most + 1)), height, width, radii):
        names.append(str(rng.choice(kinds)))
        bits, cover = inside_of(KINDS[names[-1]](rng), place, height, width)
        canvas += cover[:, :, None] * (texture(rng, height, width) - canvas)
        whole.append(bits)
        seen = [mask & ~bits for mask in seen] + [bits]
    canvas += rng.normal(0, rng.uniform(2, 12), canvas.shape)
    listed = [
        (name, mask)
        for name, mask, full in zip(names, seen, whole, strict=True)
        if mask.sum() >= max(32, full.sum() / 4)
    ]
    return np.clip(canvas, 0, 255).astype(np.uint8), listed


def annotation(bits: Bits, number: int, image: int, category: int) -> dict[str, Any]:
    """Describe one mask as a COCO annotation; its box is the tight one."""
    run_lengths = coco_mask.encode(np.asfortranarray(bits.astype(np.uint8)))
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "bbox": [float(side) for side in coco_mask.toBbox(run_lengths)],
        "area": int(bits.sum()),
        "iscrowd": 0,
        "segmentation": {"size": list(bits.shape), "counts": run_lengths["counts"].decode()},
    }


def generate(
    out: Path,
    *,
    images: int = 40,
    seed: int = 0,
    kinds: list[str],
    side: int = 192,
    radii: tuple[float, float] = RADII,
    most: int = MOST,
) -> dict[str, Any]:
    """Write the pictures and both JSON files; return the dataset with masks."""
    (out / "images").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    numbers = {kind: place + 1 for place, kind in enumerate(KINDS)}
    records: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image in range(1, images + 1):
        height, width = (int(length) for length in rng.integers(side * 3 // 4, side * 5 // 4, 2))
        pixels, shapes = scene(rng, kinds, height, width, radii=radii, most=most)
        name = f"{image:06d}.png"
        Image.fromarray(pixels).save(out / "images" / name)
        records.append({"id": image, "file_name": name, "width": width, "height": height})
        for kind, bits in shapes:
            annotations.append(annotation(bits, len(annotations) + 1, image, numbers[kind]))
    dataset = {
        "images": records,
        "categories": [{"id": numbers[kind], "name": kind} for kind in KINDS if kind in kinds],
        "annotations": annotations,
    }
    (out / "instances.json").write_text(json.dumps(dataset))
    boxes = [{k: v for k, v in row.items() if k != "segmentation"} for row in annotations]
    boxes = [row | {"area": row["bbox"][2] * row["bbox"][3]} for row in boxes]
    (out / "boxes.json").write_text(json.dumps(dataset | {"annotations": boxes}))
    return dataset


def main() -> None:
    """Read the command line, draw, and say what was written."""
    parser = argparse.ArgumentParser(description="Draw shapes with known masks.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--side", type=int, default=192, help="about how many pixels a side")
    parser.add_argument("--least", type=float, default=RADII[0], help="radius of the smallest")
    parser.add_argument("--largest", type=float, default=RADII[1], help="of the largest shape")
    parser.add_argument("--most", type=int, default=MOST, help="shapes of a picture")
    parser.add_argument("--kinds", default="train", help=f"train, test, or of {','.join(KINDS)}")
    given = parser.parse_args()
    kinds = GROUPS.get(given.kinds) or given.kinds.split(",")
    if unknown := sorted(set(kinds) - set(KINDS)):
        parser.error(f"unknown kinds {unknown}; known are {sorted(KINDS)}")
    dataset = generate(
        given.out,
        images=given.images,
        seed=given.seed,
        kinds=kinds,
        side=given.side,
        radii=(given.least, given.largest),
        most=given.most,
    )
    print(f"{len(dataset['images'])} images, {len(dataset['annotations'])} shapes in {given.out}")


if __name__ == "__main__":
    main()
