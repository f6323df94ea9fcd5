r"""Add masks of what nobody outlined to a training set: a detector finds it, boxmask masks it.

    python examples/unlabelled/teach.py DATA/person DATA/coco OUT/person --node FOLDER \
        [--sam FOLDER] [--weights W]

In a set in which one thing of each photograph is outlined, a network that is told of the other
boxes is told of none. Here a small CenterNet finds them (`centernet.mjs` says what is to
be installed into FOLDER), and the network of W, by default the bundled one, masks them, taken to be
7 % loose. With `--sam` the masks are those of MobileSAM and the network (`blend.py`), fainter finds
are taken as well, and what the two disagree about is left out. So is what overlaps an outlined
thing, is small, or has a mask of little expected IoU. OUT/person gets an instances_train.json, and
a link to the photographs. A second a photograph.
"""

import argparse
import json
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from blend import blend, ious_with
from mobilesam import MobileSam
from PIL import Image

import boxmask
from boxmask.annotate.encode import PastedMask, paste_masks
from boxmask.predict import Predictor
from boxmask.rle import area

SIDE = 512
SCORE, SMALLEST, TIGHTNESS = 0.3, 14.0, 0.07
OUTLINED, TWICE = 0.4, 0.5  # the IoU from which a box is that of something outlined, or found
EXPECTED, AREA, LIKE_ITS_BOX = 0.82, 120.0, 0.5  # what is asked of a mask
FAINT, SAID, AGREED = 0.18, 0.85, 0.75  # with MobileSAM: a find's score, its own, the IoU of both

# COCO's names for what VOC, where all things of these are outlined, calls otherwise.
OF_VOC = {
    "airplane": "aeroplane",
    "dining table": "diningtable",
    "motorcycle": "motorbike",
    "potted plant": "pottedplant",
    "couch": "sofa",
    "tv": "tvmonitor",
}

Box = list[float]  # x0, y0, x1, y1


class Found(NamedTuple):
    """What a detector found: a box in pixels of the photograph."""

    box: Box
    name: str
    score: float


class Teachers(NamedTuple):
    """Who finds and masks: what CenterNet needs, a network, and MobileSAM or None."""

    node: Path
    predict: Predictor
    sam: MobileSam | None


def letterboxed(path: Path) -> bytes:
    """Return a photograph in the upper left of 512 x 512 pixels."""
    picture = Image.open(path).convert("RGB")
    scale = SIDE / max(picture.size)
    sides = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[: sides[1], : sides[0]] = np.asarray(picture.resize(sides, Image.Resampling.BILINEAR))
    return pixels.tobytes()


def detect(paths: list[Path], node: Path) -> Iterator[list[list[float]]]:
    """Yield what CenterNet finds in each photograph."""
    script = Path(__file__).with_name("centernet.mjs").resolve()
    pipe = subprocess.PIPE
    with subprocess.Popen(["node", script], cwd=node, stdin=pipe, stdout=pipe) as process:
        assert process.stdin is not None and process.stdout is not None
        for path in paths:
            process.stdin.write(letterboxed(path))
            process.stdin.flush()
            yield json.loads(process.stdout.readline())
        process.stdin.close()


def not_outlined(
    rows: list[list[float]],
    image: dict[str, Any],
    known: list[Box],
    names: list[str],
    least: float,
) -> list[Found]:
    """Return what was found, surer than `least` and not among the `known` boxes, surest first."""
    width, height = image["width"], image["height"]
    scale = max(width, height) / SIDE
    kept: list[Found] = []
    for *corners, score, number in sorted(rows, key=lambda row: -row[4]):
        x0, y0, x1, y1 = (scale * corner for corner in corners)
        box = [max(0.0, x0), max(0.0, y0), min(width, x1), min(height, y1)]
        small = min(box[2] - box[0], box[3] - box[1]) < SMALLEST
        if not names[int(number)] or score < least or small:
            continue
        again = (ious_with(box, [one.box for one in kept]) > TWICE).any()
        if not again and not (ious_with(box, known) > OUTLINED).any():
            kept.append(Found(box, names[int(number)], score))
    return kept


def masks_of(
    teachers: Teachers, path: Path, found: list[Found], known: list[Box], labels: list[str]
) -> Iterator[PastedMask]:
    """Yield masks of what was found, by its place; `known` are outlined boxes beside it."""
    boxes = np.array([one.box for one in found] + known, np.float64)
    if teachers.sam is None:
        names = [one.name for one in found] + labels
        _, batches = teachers.predict.predict(
            path, boxes, labels=names, tightness=TIGHTNESS, flip=True
        )
        for batch in batches:
            yield from (mask for mask in paste_masks(*batch) if mask.row < len(found))
        return
    with Image.open(path) as opened:
        photo = opened.convert("RGB")
    sam, boxes = teachers.sam, boxes[: len(found)]
    sam.look_at(photo)
    said = sam.in_boxes(boxes)
    both = blend(
        teachers.predict,
        photo,
        boxes,
        said.logits,
        cells=sam.cells,
        tightness=TIGHTNESS,
        flip=True,
    )
    for mask, agreement in both:
        if agreement >= AGREED and said.scores[mask.row] >= SAID:
            yield mask


def good_ones(masks: Iterable[PastedMask], found: list[Found]) -> Iterator[dict[str, Any]]:
    """Yield annotations, without ids, of what was found and got a mask that is likely good."""
    for mask in sorted(masks, key=lambda mask: mask.row):
        one = found[mask.row]
        x, y, width, height = (float(side) for side in mask.box)
        pixels = float(area(mask.counts))
        like = ious_with(one.box, [x, y, x + width, y + height])[0] >= LIKE_ITS_BOX
        if mask.quality >= EXPECTED and pixels >= AREA and like:
            yield {
                "category": one.name,
                "bbox": [x, y, width, height],
                "area": pixels,
                "iscrowd": 0,
                "segmentation": mask.rle(),
                "score": one.score,
                "quality": mask.quality,
            }


def teach(data: Path, names: list[str], teachers: Teachers) -> dict[str, Any]:
    """Return the annotations of a set with those added that the teachers make."""
    truth: dict[str, Any] = json.loads((data / "instances_train.json").read_text())
    called = {category["id"]: category["name"] for category in truth["categories"]}
    numbers = {name.lower(): number for number, name in called.items()}
    outlined = defaultdict(list)
    for one in truth["annotations"]:
        outlined[one["image_id"]].append(one)
    if "aeroplane" in numbers:  # VOC
        names = ["" if OF_VOC.get(name, name) in numbers else name for name in names]
    next_id = 1 + max(one["id"] for one in truth["annotations"])
    paths = [data / "images" / image["file_name"] for image in truth["images"]]
    least = SCORE if teachers.sam is None else FAINT
    finds = detect(paths, teachers.node)
    for image, path, rows in zip(truth["images"], paths, finds, strict=True):
        there = outlined[image["id"]]
        known = [[x, y, x + w, y + h] for x, y, w, h in (one["bbox"] for one in there)]
        found = not_outlined(rows, image, known, names, least)
        labels = [called[one["category_id"]] for one in there]
        masks = masks_of(teachers, path, found, known, labels) if found else ()
        for one in good_ones(masks, found):
            category = numbers.setdefault(one.pop("category"), 1 + max(numbers.values()))
            truth["annotations"].append(
                {"id": next_id, "image_id": image["id"], "category_id": category, **one}
            )
            next_id += 1
    new = [name for name, number in numbers.items() if number not in called]
    truth["categories"] += [{"id": numbers[name], "name": name} for name in new]
    return truth


def main() -> None:
    """Write a set with added masks."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("coco", type=Path, help="whose categories are the detector's, in order")
    parser.add_argument("out", type=Path)
    parser.add_argument("--node", type=Path, required=True, help="with node_modules in it")
    parser.add_argument("--sam", type=Path, help="where MobileSAM's package is unpacked")
    parser.add_argument("--weights", type=Path)
    given = parser.parse_args()
    coco = json.loads((given.coco / "instances_train.json").read_text())
    names = [one["name"] for one in sorted(coco["categories"], key=lambda one: int(one["id"]))]
    sam = None if given.sam is None else MobileSam(given.sam)
    teachers = Teachers(given.node, boxmask.load(given.weights, device="cpu"), sam)
    truth = teach(given.data, names, teachers)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "instances_train.json").write_text(json.dumps(truth))
    (given.out / "images").symlink_to((given.data / "images").resolve())
    added = sum("quality" in one for one in truth["annotations"])
    print(f"{given.out}: {len(truth['annotations'])} masks, {added} of them added")


if __name__ == "__main__":
    main()
