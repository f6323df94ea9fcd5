"""examples/unlabelled: what stands in for MobileSAM here says where discs are."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw
from pycocotools import mask as coco_masks

import boxmask

UNLABELLED = Path(__file__).parents[1] / "examples" / "unlabelled"
sys.path.insert(0, str(UNLABELLED))
import blend  # noqa: E402
import segment  # noqa: E402
import teach  # noqa: E402
from mobilesam import CELL, SIDE, SamMasks  # noqa: E402

# pycocotools.mask.decode of 2.0.11 under numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

Floats = npt.NDArray[np.float32]
WIDTH, HEIGHT = 300, 200
DISCS = ((60.0, 70.0, 40.0), (200.0, 110.0, 60.0))  # x, y and radius, pixels


class Discs:
    """Answers as MobileSAM would that is sure of the two discs and of nothing else."""

    def look_at(self, photo: Image.Image) -> None:
        assert photo.size == (WIDTH, HEIGHT)
        self.cells = SIDE / WIDTH / CELL

    def at_points(self, points: npt.NDArray[np.float64]) -> SamMasks:
        logits, scores = [], []
        for x, y in points:
            hit = [disc for disc in DISCS if np.hypot(x - disc[0], y - disc[1]) < disc[2]]
            logits += [self._logits(hit[0] if hit else DISCS[0])] * 3
            scores += [0.99, 0.95, 0.5] if hit else [0.1] * 3
        return SamMasks(np.stack(logits), np.array(scores, np.float32))

    def in_boxes(self, boxes: npt.NDArray[np.float64]) -> SamMasks:
        middles = (boxes[:, :2] + boxes[:, 2:]) / 2
        nearest = [min(DISCS, key=lambda disc: np.hypot(*(at - disc[:2]))) for at in middles]
        scores = np.full(len(boxes), 0.97, np.float32)
        return SamMasks(np.stack([self._logits(disc) for disc in nearest]), scores)

    def _logits(self, disc: tuple[float, float, float]) -> Floats:
        x, y, radius = disc
        at = (np.arange(256) + 0.5) / self.cells
        distance = np.hypot(at[None] - x, at[:, None] - y)
        logits: Floats = (3 * (radius - distance)).astype(np.float32)
        return logits


def photograph(folder: Path) -> Path:
    picture = Image.new("RGB", (WIDTH, HEIGHT), (40, 90, 60))
    draw = ImageDraw.Draw(picture)
    for (x, y, radius), colour in zip(DISCS, ((220, 80, 60), (240, 220, 90)), strict=True):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    path = folder / "images" / "discs.png"
    path.parent.mkdir()
    picture.save(path)
    return path


def disc_bits(disc: tuple[float, float, float]) -> npt.NDArray[np.bool_]:
    x, y, radius = disc
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    bits: npt.NDArray[np.bool_] = np.hypot(columns - x, rows - y) < radius
    return bits


def iou(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> float:
    return float((first & second).sum() / (first | second).sum())


def box_of(disc: tuple[float, float, float]) -> list[float]:
    x, y, radius = disc
    return [x - radius, y - radius, x + radius, y + radius]


@pytest.mark.parametrize("seed", range(5))
def test_a_frame_samples_a_plane_where_it_lies(seed: int) -> None:
    """A plane is what bilinear sampling gives back exactly, so places show without rounding."""
    random = np.random.default_rng(seed)
    across, down, cells = *random.uniform(-1, 1, 2), random.uniform(0.3, 2)
    middles = np.arange(256) + 0.5
    logits = (across * middles[None] + down * middles[:, None]).astype(np.float32)
    frame = np.sort(random.uniform(3, 250, (2, 2)) / cells, axis=0).ravel()
    found = blend._in_frame(logits, frame, cells, 16)
    share = (np.arange(16) + 0.5) / 16
    x, y = (frame[k] + (frame[k + 2] - frame[k]) * share for k in (0, 1))
    wanted = across * cells * x[None] + down * cells * y[:, None]
    np.testing.assert_allclose(found, wanted, atol=2e-3)


def test_both_have_a_say_and_the_larger_a_thing_the_more_has_mobilesam(tmp_path: Path) -> None:
    path, sam = photograph(tmp_path), Discs()
    with Image.open(path) as photo:
        sam.look_at(photo)
    predict, cells = boxmask.load(device="cpu"), sam.cells
    boxes = np.array([box_of(disc) for disc in DISCS])
    logits = sam.in_boxes(boxes).logits
    found = sorted(blend.blend(predict, path, boxes, logits, cells=cells), key=lambda b: b.mask.row)
    assert [one.mask.row for one in found] == [0, 1]
    for one, disc in zip(found, DISCS, strict=True):
        bits = coco_masks.decode(one.mask.rle()).astype(bool)
        assert iou(bits, disc_bits(disc)) > 0.97
        assert one.agreement > 0.9
    wrong = logits[::-1].copy()  # each is told of the other disc
    for one in blend.blend(predict, path, boxes, wrong, cells=cells):
        assert one.agreement < 0.2
    small, large = (blend._weight(sam._logits((100, 100, r)), cells, WIDTH) for r in (5, 40))
    assert small == blend.WEIGHTS[0] < large <= blend.WEIGHTS[1]


def test_everything_in_a_photograph_is_outlined_but_what_is_outlined_already(
    tmp_path: Path,
) -> None:
    path, predict = photograph(tmp_path), boxmask.load(device="cpu")
    sam: Any = Discs()
    found = segment.outline(predict, sam, path, 7, np.zeros((0, 4)))
    assert len(found) == 2  # each once, whatever number of points and levels found it
    bits = [coco_masks.decode(one["segmentation"]).astype(bool) for one in found]
    assert all(max(iou(one, disc_bits(disc)) for one in bits) > 0.97 for disc in DISCS)
    for one, pixels in zip(found, bits, strict=True):
        assert one["area"] == pixels.sum()
        assert one["bbox"] == coco_masks.toBbox(one["segmentation"]).tolist()
    (left,) = segment.outline(predict, sam, path, 7, np.array([box_of(DISCS[1])]))
    assert iou(coco_masks.decode(left["segmentation"]).astype(bool), disc_bits(DISCS[0])) > 0.97


def record(bits: npt.NDArray[np.bool_], score: float) -> dict[str, Any]:
    runs = coco_masks.encode(np.asfortranarray(bits.astype(np.uint8)))
    runs["counts"] = runs["counts"].decode()
    return {"area": int(bits.sum()), "segmentation": runs, "score": score}


@pytest.mark.parametrize("seed", range(5))
def test_masks_of_a_layer_hardly_overlap_and_none_is_there_twice(seed: int) -> None:
    random = np.random.default_rng(seed)
    masks = []
    for place in range(12):
        bits = np.zeros((40, 50), bool)
        x, y, w, h = random.integers([0, 0, 3, 3], [40, 30, 30, 25])
        bits[y : y + h, x : x + w] = True
        masks.append(record(bits, 1 - place / 100))
    flat = list(segment.layers(masks))
    scores = [one["score"] for layer in flat for one in layer]
    assert len(scores) == len(set(scores)) <= len(masks)
    assert flat[0][0] is masks[0]
    for layer in flat:
        inside = [coco_masks.decode(one["segmentation"]).astype(bool) for one in layer]
        for k, one in enumerate(inside):
            for other in inside[:k]:
                assert (one & other).sum() <= segment.OVERLAP * min(one.sum(), other.sum())


def test_a_photograph_is_listed_once_for_each_layer(tmp_path: Path) -> None:
    whole = np.zeros((HEIGHT, WIDTH), bool)
    whole[20:120, 20:120] = True
    part = np.zeros_like(whole)
    part[30:60, 30:60] = True
    boxed = [{**record(bits, 0.9), "bbox": [0, 0, 9, 9]} for bits in (whole, part)]
    truth = {"images": [{"id": 5, "file_name": "a.jpg"}, {"id": 9, "file_name": "b.jpg"}]}
    things = segment.listed(truth, {5: boxed})
    assert [(one["id"], one["file_name"]) for one in things["images"]] == [
        (1, "a.jpg"),
        (2, "a.jpg"),
    ]
    assert [one["image_id"] for one in things["annotations"]] == [1, 2]
    assert {one["category_id"] for one in things["annotations"]} <= {
        one["id"] for one in things["categories"]
    }


def test_a_run_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = photograph(tmp_path)
    image = {"file_name": path.name, "width": WIDTH, "height": HEIGHT}
    truth = {"images": [{**image, "id": id} for id in (3, 4)], "annotations": []}
    (tmp_path / "instances_train.json").write_text(json.dumps(truth))
    monkeypatch.setattr(segment, "MobileSam", lambda folder: Discs())
    out = tmp_path / "out"

    def run() -> dict[str, Any]:
        arguments = ["segment.py", str(tmp_path), str(out), "--sam", "none"]
        monkeypatch.setattr(sys, "argv", arguments)
        segment.main()
        written: dict[str, Any] = json.loads((out / "instances_train.json").read_text())
        return written

    whole = run()
    assert len(whole["annotations"]) == 4
    lines = out / "part-0-of-1.jsonl"
    first, second, _ = lines.read_text().split("\n")
    lines.write_text(first + "\n" + second[: len(second) // 2])  # killed while writing
    assert run() == whole


def test_what_a_detector_finds_is_masked_by_both(tmp_path: Path) -> None:
    path = photograph(tmp_path)
    sam: Any = Discs()
    teachers = teach.Teachers(tmp_path, boxmask.load(device="cpu"), sam)
    loose = [[x0 - 3, y0 + 2, x1 + 4, y1 + 3] for x0, y0, x1, y1 in map(box_of, DISCS)]
    found = [teach.Found(box, "disc", 0.4) for box in loose]
    masks = teach.masks_of(teachers, path, found, [], [])
    good = list(teach.good_ones(masks, found))
    assert len(good) == 2
    for one, disc in zip(good, DISCS, strict=True):
        bits = coco_masks.decode(one["segmentation"]).astype(bool)
        assert iou(bits, disc_bits(disc)) > 0.9
    elsewhere = [teach.Found(box, "disc", 0.4) for box in reversed(loose)]
    sam.in_boxes = lambda boxes: Discs.in_boxes(sam, boxes[::-1])
    assert not list(teach.good_ones(teach.masks_of(teachers, path, elsewhere, [], []), elsewhere))
