"""Large JPEG files are decoded reduced where boxes need no more: the same places, as masks."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from annotation_files import (
    WINDOWS,
    annotate,
    boxes_of,
    make_job,
    output,
    photos,
    write_weights,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import boxmask
from boxmask.annotate.job import AnnotateJob
from boxmask.errors import RunError
from boxmask.images import OpenedImage, opened_image
from boxmask.models.config import ModelConfig
from boxmask.models.cuts import coarsest
from boxmask.models.zoom import ImagePyramid, cut_boxes, windows_of

LARGE = (2501, 1603)
SIDES = ("width", "height")
CONFIG = ModelConfig(view_size=24, large_view_size=28, window_masks=True)


def gradient(width: int, height: int) -> npt.NDArray[np.uint8]:
    """Return an image whose colours say where a pixel is: x, y and their sum, smoothly."""
    x, y = np.arange(width) / width, np.arange(height)[:, None] / height
    channels = (x + 0 * y, y + 0 * x, (x + y) / 2)
    return np.stack([255 * one for one in channels], axis=2).round().astype(np.uint8)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_views_lie_at_the_same_places_in_a_reduced_image(data: st.DataObject) -> None:
    width, height = (data.draw(st.integers(150, 420)) for _ in range(2))
    image = gradient(width, height)
    sizes = st.floats(90, 300)
    boxes = []
    for _ in range(data.draw(st.integers(1, 4))):
        x, y = data.draw(st.floats(-40, width - 20)), data.draw(st.floats(-40, height - 20))
        boxes.append([x, y, x + data.draw(sizes), y + data.draw(sizes)])
    corners = np.array(boxes)
    by = coarsest(CONFIG, corners)
    windows = windows_of(corners, context=CONFIG.context)
    angles = np.full(len(corners), data.draw(st.sampled_from([0.0, 0.4])))
    small = np.asarray(Image.fromarray(image).reduce(by))
    reduced = ImagePyramid(small, reduced=by, shape=image.shape)
    side = 24
    one, other = (
        cut_boxes(each, corners, windows, side=side, angles=angles) for each in (image, reduced)
    )
    assert by >= 2 and np.array_equal(one[1], other[1])
    # A pixel of a reduction is the mean of its block, so a gradient stays where it was. At the
    # image's last block, which may be of fewer pixels, it is a part of a block off.
    difference = np.abs(one[0].astype(int) - other[0]).max(axis=3)
    assert np.quantile(difference, 0.9) <= 2


@pytest.mark.parametrize("by", [2, 4, 8])
def test_a_decoder_reduces_by_means_of_blocks(tmp_path: Path, by: int) -> None:
    image = gradient(*LARGE)
    Image.fromarray(image).save(tmp_path / "one.jpg", quality=95)
    with opened_image(tmp_path, "one.jpg") as opened:
        assert opened.reduce(lambda size: by if by < 8 else 64) == by
        pixels = opened.pixels()
    wanted = np.asarray(Image.fromarray(image).reduce(by))
    assert pixels.shape == wanted.shape
    assert np.abs(pixels.astype(int) - wanted).max() <= 4


@pytest.mark.parametrize(
    ("name", "options"), [("one.png", {}), ("one.jpg", {"exif": "rotated"})], ids=["png", "turned"]
)
def test_other_images_are_decoded_whole(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", LARGE).save(tmp_path / name, exif=exif)
    with opened_image(tmp_path, name, **options) as opened:
        assert opened.reduce(lambda size: 8) == 1
        assert sorted(opened.pixels().shape[:2]) == sorted(LARGE)


@pytest.fixture
def job(tmp_path: Path) -> AnnotateJob:
    """A job of one large photograph with large boxes."""
    boxes = [[100, 80, 700, 640], [900, 300, 1200, 1000], [1500, 700, 1100, 1000]]
    data = boxes_of(1, len(boxes))
    data["images"] = [{"id": 0, "file_name": "one.jpg"} | dict(zip(SIDES, LARGE, strict=True))]
    for one, box in zip(data["annotations"], boxes, strict=True):
        one["bbox"] = box
    weights = write_weights(tmp_path, **WINDOWS)
    made = make_job(tmp_path, data, weights=weights, tightness=0.0, device="cpu", runtime="torch")
    Image.fromarray(gradient(*LARGE)).save(tmp_path / "images" / "one.jpg", quality=95)
    return made


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes in which images are decoded."""
    shapes: list[tuple[int, ...]] = []
    pixels = OpenedImage.pixels

    def noted(self: OpenedImage) -> Any:
        found = pixels(self)
        shapes.append(found.shape[:2])
        return found

    monkeypatch.setattr(OpenedImage, "pixels", noted)
    return shapes


def test_a_run_and_a_predictor_decode_alike(
    job: AnnotateJob, decoded: list[tuple[int, ...]]
) -> None:
    annotate(job)
    predict = boxmask.load(job.weights, device="cpu", runtime="torch")
    data = json.loads(job.boxes.read_bytes())
    boxes = np.array([one["bbox"] for one in data["annotations"]], np.float64)
    boxes[:, 2:] += boxes[:, :2]
    found = predict(photos(job) / "one.jpg", boxes)
    assert decoded == [(201, 313)] * 2  # at an eighth
    made = output(job)["annotations"]
    assert [one["area"] for one in made] == found.masks.sum(axis=(1, 2)).tolist()
    assert found.masks.shape[1:] == LARGE[::-1]


def test_the_plan_says_how_images_are_decoded(
    job: AnnotateJob, decoded: list[tuple[int, ...]]
) -> None:
    annotate(replace(job, decode="full"))
    assert decoded == [LARGE[::-1]]
    with pytest.raises(RunError, match='--decode: was "full", now "auto"'):
        annotate(job)


def test_one_small_box_needs_the_whole_image(
    job: AnnotateJob, decoded: list[tuple[int, ...]]
) -> None:
    data = json.loads(job.boxes.read_bytes())
    data["annotations"][1]["bbox"] = [900, 300, 20, 30]
    job.boxes.write_text(json.dumps(data))
    annotate(job)
    assert decoded == [LARGE[::-1]]
