"""The generator of shapes: its masks are what the README, the demos and other tests rely on."""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

# pycocotools.mask.decode warns under recent versions of numpy.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")

SCRIPT = Path(__file__).parents[1] / "examples" / "shapes.py"


@pytest.fixture(scope="module")
def shapes() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


@pytest.fixture(scope="module")
def dataset(shapes: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("shapes")
    shapes["generate"](out, images=12, seed=3, kinds=list(shapes["KINDS"]), side=96)
    return out


def test_every_annotation_describes_its_mask(dataset: Path) -> None:
    written = json.loads((dataset / "instances.json").read_text())
    sizes = {image["id"]: [image["height"], image["width"]] for image in written["images"]}
    assert len(sizes) == 12 and len(written["annotations"]) > 30
    for annotation in written["annotations"]:
        bits = coco_mask.decode(annotation["segmentation"])
        rows, columns = np.nonzero(bits)
        assert annotation["segmentation"]["size"] == sizes[annotation["image_id"]]
        assert annotation["area"] == bits.sum() >= 32
        assert annotation["bbox"] == [
            columns.min(),
            rows.min(),
            np.ptp(columns) + 1,
            np.ptp(rows) + 1,
        ]


def test_only_the_upper_of_two_shapes_has_a_pixel(dataset: Path) -> None:
    written = json.loads((dataset / "instances.json").read_text())
    covers: dict[int, Any] = {}
    for annotation in written["annotations"]:
        bits = coco_mask.decode(annotation["segmentation"])
        covers[annotation["image_id"]] = covers.get(annotation["image_id"], 0) + bits
    assert max(cover.max() for cover in covers.values()) == 1


def test_the_pictures_are_as_large_as_stated_and_all_there(dataset: Path) -> None:
    for image in json.loads((dataset / "instances.json").read_text())["images"]:
        with Image.open(dataset / "images" / image["file_name"]) as picture:
            assert picture.size == (image["width"], image["height"])
            assert picture.mode == "RGB"


def test_the_box_file_is_the_same_without_masks(dataset: Path) -> None:
    masks = json.loads((dataset / "instances.json").read_text())
    boxes = json.loads((dataset / "boxes.json").read_text())
    assert boxes["images"] == masks["images"] and boxes["categories"] == masks["categories"]
    for box, mask in zip(boxes["annotations"], masks["annotations"], strict=True):
        assert "segmentation" not in box
        assert box["area"] == box["bbox"][2] * box["bbox"][3]
        assert box | {"area": 0, "segmentation": mask["segmentation"]} == mask | {"area": 0}


def test_the_seed_alone_decides(shapes: dict[str, Any], tmp_path: Path) -> None:
    drawn = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        shapes["generate"](tmp_path / name, images=2, seed=seed, kinds=["disc"], side=64)
        drawn.append((tmp_path / name / "images" / "000001.png").read_bytes())
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    ("kind", "low", "high"), [("disc", 0.77, 0.80), ("ring", 0.39, 0.66), ("bar", 0.11, 0.31)]
)
def test_a_shape_fills_its_square_as_far_as_it_should(
    shapes: dict[str, Any], kind: str, low: float, high: float
) -> None:
    place = np.array([50.0, 50.0, 40.0, 1.0, 0.0])
    for seed in range(5):
        shape = shapes["KINDS"][kind](np.random.default_rng(seed))
        bits, cover = shapes["inside_of"](shape, place, 100, 100)
        assert low <= bits.sum() / 80**2 <= high
        assert np.abs(cover.sum() - bits.sum()) <= 80  # half a pixel on either long side
        assert bits[50, 50] == (kind != "ring")


def test_every_kind_stays_within_its_square(shapes: dict[str, Any]) -> None:
    place = np.array([60.0, 60.0, 40.0, 1.0, 0.0])
    for name, kind in shapes["KINDS"].items():
        bits, _ = shapes["inside_of"](kind(np.random.default_rng(0)), place, 120, 120)
        assert bits.any(), name
        assert not bits[:19].any() and not bits[101:].any(), name
        assert not bits[:, :19].any() and not bits[:, 101:].any(), name


def test_training_and_test_kinds_have_nothing_in_common(shapes: dict[str, Any]) -> None:
    train, test = (set(shapes["GROUPS"][group]) for group in ("train", "test"))
    assert not train & test and train | test == set(shapes["KINDS"])


def test_the_command_draws_a_group(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), str(tmp_path / "out"), "--images", "2"]
    done = subprocess.run([*command, "--kinds", "test"], capture_output=True, text=True, check=True)
    written = json.loads((tmp_path / "out" / "instances.json").read_text())
    assert done.stdout.startswith("2 images")
    assert {c["name"] for c in written["categories"]} == {"disc", "ring", "bar"}
    failed = subprocess.run([*command, "--kinds", "disk"], capture_output=True, text=True)
    assert failed.returncode == 2 and "crescent" in failed.stderr
