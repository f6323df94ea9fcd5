"""Pictures and boxes that a predictor is called with in Python, and what comes back."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from annotation_files import HEIGHT, WIDTH, WINDOWS, tiny_network, write_photo, write_weights
from PIL import Image
from pycocotools import mask as coco_mask

import boxmask
from boxmask.errors import ConfigError, InputError, WeightsError
from boxmask.models.weights import save_network

# pycocotools.mask.decode of 2.0.11 under numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    write_photo(path)
    return path


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> boxmask.Predictor:
    return boxmask.load(write_weights(tmp_path_factory.mktemp("windows"), **WINDOWS), device="cpu")


BOXES = [[2, 3, 20, 21], [10, 4, 38, 29], [11, 5, 30, 22]]


def test_a_picture_is_a_path_an_image_or_an_array(photo: Path, windows: boxmask.Predictor) -> None:
    wanted = windows(photo, BOXES).rle
    image = Image.open(photo)
    pixels = np.asarray(image)
    turned_about = np.ascontiguousarray(pixels[..., ::-1])[..., ::-1]  # strides below zero
    for picture in (str(photo), image, pixels, turned_about):
        assert windows(picture, BOXES).rle == wanted
    grey = image.convert("L")
    assert windows(grey, BOXES).rle == windows(np.asarray(grey.convert("RGB")), BOXES).rle


def test_boxes_are_any_table_of_numbers(photo: Path, windows: boxmask.Predictor) -> None:
    wanted = windows(photo, BOXES).rle
    for table in (np.array(BOXES, np.int32), torch.tensor(BOXES, dtype=torch.float32)):
        assert windows(photo, table).rle == wanted


def test_masks_are_the_bits_of_the_runs(photo: Path, windows: boxmask.Predictor) -> None:
    found = windows(photo, BOXES, tightness=0.1)
    assert found.masks.shape == (3, HEIGHT, WIDTH) and found.masks.dtype == np.bool_
    assert found.masks is found.masks
    decoded = [coco_mask.decode(rle) for rle in found.rle]
    assert np.array_equal(found.masks, np.array(decoded, np.bool_))
    for mask, (x0, y0, x1, y1) in zip(found.masks, found.boxes.astype(int), strict=True):
        assert mask[y0:y1, x0:x1].sum() == mask.sum() > 0
        assert mask[y0].any() and mask[y1 - 1].any() and mask[:, x0].any() and mask[:, x1 - 1].any()


def test_no_boxes_no_masks(photo: Path, windows: boxmask.Predictor) -> None:
    tables: list[Any] = [[], np.zeros((0, 4))]
    for none in tables:
        found = windows(photo, none, labels=[])
        assert len(found) == 0 and found.rle == [] and found.polygons() == []
        assert found.masks.shape == (0, HEIGHT, WIDTH)
        assert found.boxes.shape == (0, 4) and found.expected_iou.shape == (0,)
        assert found.to_tv_tensors()["boxes"].shape == (0, 4)


def test_labels_of_any_kind_tell_neighbours_apart(photo: Path, windows: boxmask.Predictor) -> None:
    alike = windows(photo, BOXES)
    assert windows(photo, BOXES, labels="aaa").rle == alike.rle
    two = windows(photo, BOXES, labels=["a", ("b", 1), "a"])
    assert two.expected_iou.tolist() != alike.expected_iou.tolist()
    for same in (np.array([7, 2, 7]), torch.tensor([0, 1, 0]), [1.5, None, 1.5]):
        assert windows(photo, BOXES, labels=same).rle == two.rle
    alone = windows(photo, BOXES, neighbours=False)
    assert alone.expected_iou.tolist() != alike.expected_iou.tolist()
    with pytest.raises(InputError, match="2 labels for 3 boxes"):
        windows(photo, BOXES, labels=["a", "b"])


def test_a_box_over_the_border_is_cut(photo: Path, windows: boxmask.Predictor) -> None:
    over = windows(photo, [[-9, -4, 20, 21], [10, 4, 90, 70]])
    assert over.rle == windows(photo, [[0, 0, 20, 21], [10, 4, WIDTH, HEIGHT]]).rle


@pytest.mark.parametrize(
    ("boxes", "said"),
    [
        (
            [BOXES[0], [50, 3, 60, 9]],
            r"boxes\[1\]: box is outside the image: it spans 50, 3",
        ),
        ([[-9, 0, 0, 9]], rf"boxes\[0\].*outside.*the image is {WIDTH} x {HEIGHT}"),
        (
            [*BOXES, [48, 32, 10, 20]],
            r"boxes\[3\] has no area: \[48.0, 32.0, .*\]; give x0",
        ),
        ([[1, 1, 1, 9]], r"boxes\[0\] has no area"),
        ([BOXES[0], [1, float("nan"), 3, 9]], r"boxes\[1\] is not finite: \[1.0, nan"),
        ([0, 0, 9, 9], r"shape \(4,\), not \(N, 4\)"),
        ([[0, 0, 9]], r"shape \(1, 3\)"),
        ([[0, 0, 9, "x"]], "not a table of numbers"),
        ([[0, 0, 9, 9], [0, 0, 9]], "not a table of numbers"),
        ([[0, 0, 9, None]], "not finite|not a table"),
    ],
)
def test_a_box_that_cannot_be_masked_is_named(
    photo: Path, windows: boxmask.Predictor, boxes: Any, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        windows(photo, boxes)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((9, 9)), r"array of float64 \(9, 9\); give uint8"),
        (np.zeros((9, 9, 4), np.uint8), r"uint8 \(9, 9, 4\)"),
        ("none.png", "none.png: image missing"),
        (__file__, "not an image"),
    ],
)
def test_a_picture_that_cannot_be_used_is_named(
    windows: boxmask.Predictor, image: Any, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        windows(image, [[0, 0, 5, 5]])


def test_pictures_are_as_stored_unless_told(tmp_path: Path, windows: boxmask.Predictor) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    write_photo(tmp_path / "plain.png")
    path = tmp_path / "turned.png"
    plain = Image.open(tmp_path / "plain.png")
    plain.save(path, exif=exif)
    upright = plain.transpose(Image.Transpose.ROTATE_270)
    for picture in (path, Image.open(path)):
        assert windows(picture, BOXES).rle == windows(plain, BOXES).rle
        turned = windows(picture, [[2, 3, 20, 39]], exif="rotated")
        assert (turned.width, turned.height) == (HEIGHT, WIDTH)
        assert turned.rle == windows(upright, [[2, 3, 20, 39]]).rle
    with pytest.raises(ConfigError, match="exif is 'upright'; known: auto, stored, rotated"):
        windows(path, BOXES, exif="upright")  # type: ignore[arg-type]


def test_networks_without_window_masks_are_told_nothing(photo: Path, tmp_path: Path) -> None:
    predict = boxmask.load(write_weights(tmp_path), device="cpu")
    told = predict(photo, BOXES, labels="abc", neighbours=True)
    assert told.rle == predict(photo, BOXES, neighbours=False).rle
    with pytest.raises(ConfigError, match=r"tiny.safetensors: tightness is 0\.1, but this network"):
        predict(photo, BOXES, tightness=0.1)


@pytest.mark.parametrize("tightness", [-0.1, 0.6, float("nan")])
def test_another_tightness_is_refused(
    photo: Path, windows: boxmask.Predictor, tightness: float
) -> None:
    with pytest.raises(ConfigError, match=f"tightness is {tightness}; give a number from 0 to 0.5"):
        windows(photo, BOXES, tightness=tightness)


def test_what_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.safetensors: no such weights file"):
        boxmask.load(tmp_path / "none.safetensors")
    with pytest.raises(ConfigError, match="no such device"):
        boxmask.load(device="abacus")
    with pytest.raises(ConfigError, match="precision is 'fp8'; known: auto, fp32, bf16, fp16"):
        boxmask.load(precision="fp8")  # type: ignore[arg-type]


def test_a_call_leaves_nothing_behind(photo: Path, windows: boxmask.Predictor) -> None:
    before = windows(photo, BOXES)
    windows(photo, BOXES, flip=True, tightness=0.2, neighbours=False)
    again = windows(photo, BOXES)
    assert again.rle == before.rle
    assert again.expected_iou.tolist() == before.expected_iou.tolist()


def test_tv_tensors(photo: Path, windows: boxmask.Predictor) -> None:
    found = windows(photo, BOXES)
    tensors = found.to_tv_tensors()
    assert {type(one).__name__ for one in tensors.values()} == {"Mask", "BoundingBoxes"}
    assert np.array_equal(tensors["masks"].numpy(), found.masks)
    assert tensors["boxes"].tolist() == found.boxes.tolist()
    assert tensors["boxes"].canvas_size == (HEIGHT, WIDTH)
    assert tensors["boxes"].format.name == "XYXY"


def test_supervision(
    photo: Path, windows: boxmask.Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = windows(photo, BOXES)
    monkeypatch.setitem(sys.modules, "supervision", SimpleNamespace(Detections=dict))
    detections = found.to_supervision()
    assert detections["xyxy"].tolist() == found.boxes.tolist()
    assert detections["xyxy"].dtype == np.float32
    assert np.array_equal(detections["mask"], found.masks)
    assert np.array_equal(detections["confidence"], found.expected_iou)
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(ConfigError, match=r"this needs supervision .*: pip install supervision"):
        found.to_supervision()


def test_damaged_weights_are_noticed(photo: Path, tmp_path: Path) -> None:
    network = tiny_network()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(float("nan"))
    save_network(tmp_path / "nan.safetensors", network, {})
    with pytest.raises(boxmask.BoxmaskError, match="not finite"):
        boxmask.load(tmp_path / "nan.safetensors", device="cpu")(photo, BOXES)
