"""Outline everything in photographs, for training: MobileSAM proposes, both networks mask.

    python examples/unlabelled/segment.py DATA/person OUT/person_things --sam FOLDER [--weights W]

MobileSAM (`mobilesam.py` says what to unpack into FOLDER) is asked at points of a grid for what is
there: things, their parts, and grounds. What is stable goes, with its tight box, to the network of
W, by default the bundled one, and the mask is that of both (`blend.py`). What is outlined already
is left out. In training the boxes of a photograph are each other's neighbours, and no data has
parts beside their wholes: so a photograph is listed up to three times, each with masks that hardly
overlap. OUT gets an instances_train.json, and a link to the photographs. Where it was stopped it
goes on. Two seconds a photograph on two cores (--part 0/2 and --part 1/2 at once, then --join 2).
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from blend import Blended, blend, ious_with
from mobilesam import MobileSam
from PIL import Image
from pycocotools import mask as coco_masks

import boxmask
from boxmask.predict import Predictor
from boxmask.rle import area

GRID, JITTER = 5, 0.3
SCORE, STABLE = 0.86, 0.88  # MobileSAM's own score, and the IoU of its masks at logits of -1 and 1
SMALLEST, LEAST, MOST = 10.0, 180.0, 0.7  # side and area in pixels, share of the photograph
AGAIN, OUTLINED = 0.7, 0.6  # the IoU from which a mask is one there is, or a box one of the truth
EXPECTED, LIKE_ITS_BOX, AGREE, AREA = 0.8, 0.85, 0.35, 150  # what is asked of a mask of both
LAYERS, OVERLAP = 3, 0.15  # the share of the smaller of two masks that both may hold
KINDS = 6  # names to give at random: the network is told which boxes are of a kind

Floats = npt.NDArray[np.float32]
Boxes = npt.NDArray[np.float64]
Record = dict[str, Any]


class Proposal(NamedTuple):
    """A mask as logits (256, 256), its tight box in pixels, and how sure MobileSAM is of it."""

    logits: Floats
    box: Boxes
    score: float


def propose(sam: MobileSam, photo: Image.Image, seed: int, known: Boxes) -> Iterator[Proposal]:
    """Yield what is at the points of a grid and not among the boxes (K, 4) of the truth."""
    sam.look_at(photo)
    cells = sam.cells
    found = sam.at_points(grid_points(seed) * photo.size)
    width, height = (int(np.ceil(side * cells)) for side in photo.size)
    inside = found.logits[:, :height, :width]
    cover = (inside > 0).sum((1, 2))
    stable = (inside > 1).sum((1, 2)) / np.maximum((inside > -1).sum((1, 2)), 1)
    sure = found.scores * stable
    sound = (found.scores > SCORE) & (stable > STABLE)
    sound &= (cover > LEAST * cells**2) & (cover < MOST * height * width)
    order = np.flatnonzero(sound)[np.argsort(-sure[sound], kind="stable")]
    for place in distinct(inside > 0, order.tolist()):
        box = np.minimum(_tight(inside[place] > 0) / cells, [*photo.size, *photo.size])
        if (box[2:] - box[:2]).min() >= SMALLEST and not (ious_with(box, known) >= OUTLINED).any():
            yield Proposal(found.logits[place], box, float(sure[place]))


def grid_points(seed: int) -> Boxes:
    """Return a point (P, 2) somewhere in each cell of a grid, in fractions of a photograph."""
    middles = np.stack(np.meshgrid(*[np.arange(GRID) + 0.5] * 2), axis=-1).reshape(-1, 2)
    points: Boxes = middles + np.random.default_rng(seed).uniform(-JITTER, JITTER, middles.shape)
    return points / GRID


def distinct(bits: npt.NDArray[np.bool_], order: Sequence[int]) -> Iterator[int]:
    """Yield the places of masks (N, H, W), in an order, that are not nearly one before them."""
    kept: list[npt.NDArray[np.bool_]] = []
    for place in order:
        coarse = bits[place, ::2, ::2]
        if all((coarse & one).sum() <= AGAIN * (coarse | one).sum() for one in kept):
            kept.append(coarse)
            yield place


def _tight(bits: npt.NDArray[np.bool_]) -> Boxes:
    """Return the box (x0, y0, x1, y1) around bits (H, W), in cells."""
    rows, columns = np.flatnonzero(bits.any(axis=1)), np.flatnonzero(bits.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float64)


def outline(
    predict: Predictor, sam: MobileSam, path: Path, seed: int, known: Boxes
) -> list[Record]:
    """Return the masks of everything in a photograph, surest first."""
    with Image.open(path) as opened:
        photo = opened.convert("RGB")
    found = list(propose(sam, photo, seed, known))
    if not found:
        return []
    boxes, logits = np.stack([one.box for one in found]), np.stack([one.logits for one in found])
    masks = [
        _record(one, found[one.mask.row].score)
        for one in blend(predict, photo, boxes, logits, cells=sam.cells)
        if _is_good(one, boxes[one.mask.row])
    ]
    return sorted(masks, key=lambda one: -one["score"])


def _is_good(one: Blended, asked: Boxes) -> bool:
    x, y, width, height = one.mask.box
    like = ious_with(asked, [x, y, x + width, y + height])[0]
    return bool(
        one.mask.quality >= EXPECTED
        and one.agreement >= AGREE
        and like >= LIKE_ITS_BOX
        and area(one.mask.counts) >= AREA
    )


def _record(one: Blended, score: float) -> Record:
    return {
        "bbox": list(map(float, one.mask.box)),
        "area": area(one.mask.counts),
        "iscrowd": 0,
        "segmentation": one.mask.rle(),
        "quality": one.mask.quality,
        "score": score,
    }


def layers(masks: Sequence[Record]) -> Iterator[list[Record]]:
    """Part masks, surest first, into lists in which they hardly overlap."""
    left = list(masks)
    for _ in range(LAYERS):
        flat: list[Record] = []
        rest: list[Record] = []
        for one in left:
            (rest if _overlaps(one, flat) else flat).append(one)
        if not flat:
            return
        yield flat
        left = rest


def _overlaps(one: Record, others: list[Record]) -> bool:
    if not others:
        return False
    runs = [other["segmentation"] for other in others]
    # Of a crowd, pycocotools gives the share of the first mask that it holds.
    both = one["area"] * coco_masks.iou([one["segmentation"]], runs, [1] * len(runs))[0]
    smaller = np.minimum(one["area"], [other["area"] for other in others])
    return bool((both > OVERLAP * smaller).any())


def listed(truth: Record, found: dict[int, list[Record]]) -> Record:
    """Write photographs and their masks as COCO does, a photograph once for each of its layers."""
    images: list[Record] = []
    annotations: list[Record] = []
    names = np.random.default_rng(0)
    for image in truth["images"]:
        for flat in layers(found.get(image["id"], [])):
            images.append({**image, "id": len(images) + 1})
            for one in flat:
                kind = int(names.integers(1, KINDS + 1))
                place = {"id": len(annotations) + 1, "image_id": len(images), "category_id": kind}
                annotations.append({**place, **one})
    kinds = [{"id": kind, "name": f"thing {kind}"} for kind in range(1, KINDS + 1)]
    return {"images": images, "annotations": annotations, "categories": kinds}


def read_lines(path: Path) -> dict[int, list[Record]]:
    """Return the masks of each photograph that an earlier run has ended; cut off a half line."""
    if not path.exists():
        return {}
    whole, _, half = path.read_text().rpartition("\n")
    if half:
        path.write_text(f"{whole}\n" if whole else "")
    return {one["id"]: one["masks"] for one in map(json.loads, whole.splitlines())}


def outline_all(given: argparse.Namespace, truth: Record, part: int, parts: int) -> None:
    """Outline each photograph of a part that is not yet in its file of lines."""
    lines = given.out / f"part-{part}-of-{parts}.jsonl"
    done = read_lines(lines)
    sam, predict = MobileSam(given.sam), boxmask.load(given.weights, device="cpu")
    outlined = defaultdict(list)
    for one in truth["annotations"]:
        x, y, width, height = one["bbox"]
        outlined[one["image_id"]].append([x, y, x + width, y + height])
    with lines.open("a") as stream:
        for image in truth["images"][part::parts]:
            if image["id"] in done:
                continue
            known = np.array(outlined[image["id"]], np.float64).reshape(-1, 4)
            path = given.data / "images" / image["file_name"]
            masks = outline(predict, sam, path, image["id"], known)
            stream.write(json.dumps({"id": image["id"], "masks": masks}) + "\n")
            stream.flush()


def join(given: argparse.Namespace, truth: Record, parts: int) -> None:
    """Write the set of what all parts have found."""
    found: dict[int, list[Record]] = {}
    for part in range(parts):
        found |= read_lines(given.out / f"part-{part}-of-{parts}.jsonl")
    things = listed(truth, found)
    (given.out / "instances_train.json").write_text(json.dumps(things))
    images = given.out / "images"
    if not images.is_symlink():
        images.symlink_to((given.data / "images").resolve())
    print(f"{given.out}: {len(things['annotations'])} masks in {len(found)} photographs")


def main() -> None:
    """Outline everything in a set's photographs, or in a part of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sam", type=Path, required=True, help="where its package is unpacked")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--part", default="0/1", help="which part of how many")
    parser.add_argument("--join", type=int, metavar="PARTS", help="write the set; look at nothing")
    given = parser.parse_args()
    truth = json.loads((given.data / "instances_train.json").read_text())
    given.out.mkdir(parents=True, exist_ok=True)
    part, parts = map(int, given.part.split("/"))
    if given.join is None:
        outline_all(given, truth, part, parts)
    if given.join or parts == 1:
        join(given, truth, given.join or 1)


if __name__ == "__main__":
    main()
