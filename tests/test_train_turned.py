"""Turned frames to learn from: those of turned boxes, and those drawn at random."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from training_files import TOLD, collect, run_training, tiny

from boxmask.train.data.batch_dataset import BatchDataset
from boxmask.train.data.compose import box_scene
from boxmask.train.data.scene import Scene
from boxmask.turned import Floats, angle_around, corners_of
from boxmask.window import Window

SIDE = 120
STILL = ("augment.flip=0", "augment.warp=0", "augment.paste=0", "augment.neighbours=0")


def bar(degrees: float) -> Floats:
    """The corners of a bar of 80 x 12 pixels in the middle of an image."""
    box = np.array([[-40.0, -6, 40, 6]])
    corners: Floats = corners_of(box, np.radians([degrees]))[0] + SIDE / 2
    return corners


def write_bars(folder: Path, *angles: float, turned: bool = False) -> Path:
    """Write one bright bar an image, its outline, and its upright box or its turned one."""
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for number, degrees in enumerate(angles, 1):
        corners = bar(degrees)
        picture = Image.new("RGB", (SIDE, SIDE), (40, 40, 40))
        ImageDraw.Draw(picture).polygon([(x, y) for x, y in corners.tolist()], fill=(230, 200, 60))
        picture.save(folder / "images" / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "width": SIDE, "height": SIDE})
        low, size = corners.min(axis=0), corners.max(axis=0) - corners.min(axis=0)
        bbox = corners.ravel().tolist() if turned else [*low.tolist(), *size.tolist()]
        outline = [corners.ravel().tolist()]
        own = {"id": number, "image_id": number, "category_id": 1, "iscrowd": 0}
        annotations.append(own | {"bbox": bbox, "segmentation": outline})
    content = {"images": images, "annotations": annotations}
    path = folder / "annotations.json"
    path.write_text(json.dumps(content | {"categories": [{"id": 1, "name": "bar"}]}))
    return path


def scene_of(path: Path, *changes: str) -> Scene:
    """Compose the scene of the first bar."""
    config = tiny(*STILL, *changes)
    random = np.random.default_rng(0)
    return box_scene(collect(path), 0, model=config.model, config=config.augment, random=random)


def filled(scene: Scene) -> float:
    """The share of its box that the mask of a scene fills."""
    (one,) = scene.instances
    assert one.mask is not None
    return float(one.mask.bits.sum() / (one.box[2:] - one.box[:2]).prod())


@pytest.mark.parametrize("degrees", [35.0, -20.0, 60.0, 120.0])
def test_a_turned_box_is_learnt_in_its_own_frame(tmp_path: Path, degrees: float) -> None:
    scene = scene_of(write_bars(tmp_path, degrees, turned=True))
    assert filled(scene) > 0.9
    (one,) = scene.instances
    sides = sorted((one.box[2:] - one.box[:2]).tolist())
    assert sides == pytest.approx([12, 80], abs=3)
    # The pixels are turned with it: all of the box is bright, and what is beside it is not.
    x0, y0, x1, y1 = one.box.round().astype(int).tolist()
    assert scene.image[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2, 0].min() > 150
    assert (scene.image[y0:y1, : x0 - 2, 0] < 150).all()


def test_upright_boxes_are_turned_as_often_as_asked(tmp_path: Path) -> None:
    path = write_bars(tmp_path, 35.0)
    assert filled(scene_of(path)) < 0.45
    assert filled(scene_of(path, "augment.turn=1")) > 0.9
    config = tiny(*STILL, "augment.turn=0.5")
    collection, random = collect(path), np.random.default_rng(1)
    found = [
        filled(box_scene(collection, 0, model=config.model, config=config.augment, random=random))
        for _ in range(30)
    ]
    assert 8 <= sum(share > 0.9 for share in found) <= 22


def test_without_turns_nothing_is_drawn_for_them(tmp_path: Path) -> None:
    """The random numbers of older recipes mean what they meant."""
    path = write_bars(tmp_path, 35.0)
    config = tiny()
    random = np.random.default_rng(7)
    box_scene(collect(path), 0, model=config.model, config=config.augment, random=random)
    after = random.random()
    again = np.random.default_rng(7)
    turning = tiny("augment.turn=1e-9")
    box_scene(collect(path), 0, model=config.model, config=turning.augment, random=again)
    assert again.random() != after


def test_the_targets_of_turned_frames_are_full(tmp_path: Path) -> None:
    path = write_bars(tmp_path, 35.0, -25.0)
    means = []
    for turn in ("0", "1"):
        config = tiny(*STILL, *TOLD, f"augment.turn={turn}", "augment.loose=0")
        batch = BatchDataset(collect(path), config, parts=1)[0]
        means.append(float(batch.targets.mean()))
    assert means[1] > 1.5 * means[0]


def test_a_run_learns_from_turned_boxes(tmp_path: Path) -> None:
    path = write_bars(tmp_path / "data", 35.0, -20.0, 10.0, 70.0, turned=True)
    config = tiny("augment.turn=0.5", "steps=2", "validate_every=2", "save_every=2")
    found = run_training(path, tmp_path / "run", config)
    assert found


def test_the_angle_of_a_mask_is_that_of_its_smallest_rectangle() -> None:
    bits = np.zeros((60, 60), np.bool_)
    for step in range(200):
        x, y = 10 + step * 0.2 * np.cos(0.5), 10 + step * 0.2 * np.sin(0.5)
        bits[int(x) : int(x) + 3, int(y) : int(y) + 3] = True
    assert angle_around(Window(0, 0, bits)) == pytest.approx(0.5, abs=0.05)
