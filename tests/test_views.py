"""Views: the warp from image to view is exact to the sub-pixel, whatever the box."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from boxmask.errors import ConfigError
from boxmask.geometry import sample_target
from boxmask.models import ModelConfig, Views, cut_views, large_boxes
from boxmask.models.crop import crop
from boxmask.models.zoom import PADDING_GREY, Pixels

ZOOM = ModelConfig(backbone="tiny", view_size=96)
# One pixel of its views is five grey levels of a ramp: enough to measure fractions of it.
SMALL = ModelConfig(backbone="tiny", view_size=48)
WHOLE = ModelConfig(family="deepmac", backbone="tiny", image_size=64)


Box = tuple[float, float, float, float]
Floats = npt.NDArray[np.float32]


def ramp(low: float, high: float, *, length: int) -> Pixels:
    """A line of pixels that rises evenly from 0 at position `low` to 250 at `high`."""
    middles = np.arange(length) + 0.5
    levels = 250 * np.clip((middles - low) / (high - low), 0, 1)
    return np.asarray(levels.round(), dtype=np.uint8)


def offset(image: Pixels, box: Box, *, size: int) -> Floats:
    """How much a Zoom network samples more than the training target's operator, size x size."""
    height, width = image.shape[:2]
    views = cut_views(SMALL, image, np.array([box]))
    sampled = crop(views.pixels.float(), views.boxes, index=views.index, size=size)[0, 0].numpy()
    red = np.ascontiguousarray(image[..., 0])
    wanted = sample_target(red, (0, 0), box=box, width=width, height=height, size=size)
    return np.asarray(sampled - wanted, dtype=np.float32)


def misplacement(width: int, height: int, box: Box, *, axis: int) -> Floats:
    """Distances along an axis, in pixels of the view, from where the target is sampled.

    Grey levels are whole, and reductions round them up; a ramp and its negative cancel that.
    """
    low, high = (box[1], box[3]) if axis == 0 else (box[0], box[2])
    spare = (high - low) * (SMALL.context - 1) / 2
    line = ramp(low - spare, high + spare, length=(height, width)[axis])
    plane = np.broadcast_to(line if axis == 1 else line[:, None], (height, width))
    image = np.repeat(plane[..., None], 3, axis=2)
    difference = (offset(image, box, size=16) - offset(250 - image, box, size=16)) / 2
    return np.asarray(difference.mean(axis=1 - axis) * SMALL.view_size / 250)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(
    "box",
    [
        (100.0, 80.0, 160.0, 140.0),
        (100.25, 80.5, 131.75, 117.125),
        (60.0, 60.0, 340.0, 250.0),
        (20.5, 40.25, 380.75, 260.5),
    ],
)
def test_a_ramp_is_sampled_where_the_training_target_is(box: Box, axis: int) -> None:
    distances = misplacement(400, 300, box, axis=axis)
    assert np.abs(distances).max() < 0.25
    assert abs(distances.mean()) < 0.04


@settings(deadline=None, max_examples=60)
@given(
    centre=st.tuples(st.floats(0.4, 0.6), st.floats(0.4, 0.6)),
    sides=st.tuples(st.floats(20.0, 450.0), st.floats(20.0, 280.0)),
    axis=st.sampled_from([0, 1]),
)
def test_any_box_inside_a_ramp_is_sampled_in_place(
    centre: tuple[float, float], sides: tuple[float, float], axis: int
) -> None:
    x, y, w, h = centre[0] * 800, centre[1] * 500, *sides
    distances = misplacement(800, 500, (x - w / 2, y - h / 2, x + w / 2, y + h / 2), axis=axis)
    assert np.abs(distances).max() < 0.25
    assert abs(distances.mean()) < 0.1


def test_a_drawn_rectangle_fills_its_box_and_nothing_else() -> None:
    image = np.zeros((200, 300, 3), dtype=np.uint8)
    image[60:100, 90:150] = 255
    views = cut_views(ZOOM, image, np.array([[90, 60, 150, 100]]))
    bright = views.pixels[0, 0].float().numpy() / 255
    side = ZOOM.view_size / ZOOM.context
    assert bright.sum() == pytest.approx(side * side, rel=0.01)
    rows, columns = np.nonzero(bright > 0.5)
    first, last = (ZOOM.view_size - side) / 2, (ZOOM.view_size + side) / 2 - 1
    assert [rows.min(), columns.min()] == pytest.approx([first, first], abs=0.6)
    assert [rows.max(), columns.max()] == pytest.approx([last, last], abs=0.6)


def test_large_boxes_are_reduced_with_antialiasing() -> None:
    image = np.zeros((1200, 1600, 3), dtype=np.uint8)
    image[::2, ::2] = 255
    image[1::2, 1::2] = 255
    view = cut_views(ZOOM, image, np.array([[200.0, 200, 1400, 1000]])).pixels
    assert view.float().mean().item() == pytest.approx(127.5, abs=1)
    assert view.float().std().item() < 2


def test_small_boxes_are_enlarged_smoothly() -> None:
    image = np.repeat(np.tile(ramp(0, 64, length=64), (64, 1))[..., None], 3, axis=2)
    line = cut_views(ZOOM, image, np.array([[30.0, 30, 34, 34]])).pixels[0, 0, 48].int().numpy()
    steps = np.diff(line)
    assert steps.min() >= 0
    assert steps.max() <= 1


def test_a_long_thin_box_keeps_the_detail_of_its_short_side() -> None:
    image = np.zeros((20, 4000, 3), dtype=np.uint8)
    image[9:11] = 255
    bright = cut_views(ZOOM, image, np.array([[0.0, 9, 4000, 11]])).pixels[0, 0].float().numpy()
    assert (bright[:, 48] > 127).mean() == pytest.approx(1 / ZOOM.context, abs=0.03)


def test_beyond_the_image_a_view_is_grey() -> None:
    image = np.zeros((50, 50, 3), dtype=np.uint8)
    view = cut_views(ZOOM, image, np.array([[0.0, 0, 50, 50]])).pixels[0, 0]
    assert set(view[0].tolist()) == {PADDING_GREY}
    assert set(view[:, -1].tolist()) == {PADDING_GREY}
    assert view[48, 48] == 0


@pytest.mark.parametrize(
    ("width", "height", "box"),
    [
        (1, 1, (0.0, 0.0, 1.0, 1.0)),
        (5, 1, (1.2, 0.0, 1.3, 1.0)),
        (640, 480, (639.9, 479.9, 640.0, 480.0)),
        (640, 480, (0.0, 0.0, 640.0, 0.01)),
        (640, 480, (-300.0, -300.0, 700.0, 5.0)),
        (640, 480, (900.0, 900.0, 950.0, 950.0)),
        (9000, 2, (0.0, 0.0, 9000.0, 2.0)),
    ],
)
def test_odd_boxes_give_finite_views(width: int, height: int, box: Box) -> None:
    image = np.full((height, width, 3), 200, dtype=np.uint8)
    views = cut_views(ZOOM, image, np.array([box]))
    assert views.pixels.shape == (1, 3, 96, 96)
    assert torch.isfinite(views.boxes).all()


def test_a_box_of_twelve_megapixels_is_cut_from_a_reduction() -> None:
    image = np.zeros((3000, 4000, 3), dtype=np.uint8)
    image[:, 2000:] = 250
    views = cut_views(ZOOM, image, np.array([[0.0, 0, 4000, 3000], [1990, 1500, 2010, 1510]]))
    for view in views.pixels[:, 0].int():
        assert view[48, 44] < 10
        assert view[48, 51] > 240


def test_views_of_one_call_do_not_depend_on_each_other() -> None:
    image = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    boxes = np.array([[0.0, 0, 400, 300], [10, 20, 30, 45], [7, 8, 390, 20]])
    together = cut_views(ZOOM, image, boxes)
    alone = Views.join([cut_views(ZOOM, image, box[None]) for box in boxes])
    assert torch.equal(together.pixels, alone.pixels)
    assert torch.equal(together.boxes, alone.boxes)
    assert torch.equal(together.index, alone.index)


def test_whole_images_are_resized_and_padded_with_zeros() -> None:
    image = np.full((30, 60, 3), 200, dtype=np.uint8)
    views = cut_views(WHOLE, image, np.array([[15.0, 0, 60, 30], [0, 0, 1, 1]]))
    assert views.pixels.shape == (1, 3, 64, 64)
    assert set(views.pixels[0, :, :32].flatten().tolist()) == {200}
    assert set(views.pixels[0, :, 32:].flatten().tolist()) == {0}
    assert views.boxes[0].tolist() == [0.25, 0, 1, 0.5]
    assert views.index.tolist() == [0, 0]


def test_whole_images_can_be_padded_to_a_multiple_of_128_only() -> None:
    config = ModelConfig(family="deepmac", backbone="tiny", image_size=256, pad_square=False)
    views = cut_views(config, np.zeros((90, 180, 3), dtype=np.uint8), np.array([[0.0, 0, 180, 90]]))
    assert views.pixels.shape == (1, 3, 128, 256)
    assert views.boxes[0].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("config", [ZOOM, WHOLE])
def test_an_image_without_boxes_has_views_of_none(config: ModelConfig) -> None:
    views = cut_views(config, np.zeros((9, 9, 3), dtype=np.uint8), np.zeros((0, 4)))
    assert views.boxes.shape == (0, 4)
    assert views.index.shape == (0,)


def halves(config: ModelConfig) -> Iterator[Views]:
    """Views of two images with two and three boxes."""
    rng = np.random.default_rng(1)
    for count in (2, 3):
        image = rng.integers(0, 255, (40, 64, 3), dtype=np.uint8)
        low = rng.uniform(0, 20, (count, 2))
        yield cut_views(config, image, np.concatenate([low, low + 15], axis=1))


@pytest.mark.parametrize(("config", "count"), [(ZOOM, 5), (WHOLE, 2)])
def test_joined_views_split_into_the_same_boxes_and_pixels(config: ModelConfig, count: int) -> None:
    joined = Views.join(list(halves(config)))
    assert len(joined) == 5
    assert len(joined.pixels) == count
    parts = joined.split(2)
    assert [len(part) for part in parts] == [2, 2, 1]
    assert torch.equal(torch.cat([part.boxes for part in parts]), joined.boxes)
    seen = torch.cat([part.pixels[part.index] for part in parts])
    assert torch.equal(seen, joined.pixels[joined.index])


def test_a_box_is_large_if_its_window_has_the_pixels_of_a_large_view() -> None:
    config = ModelConfig(backbone="tiny", view_size=96, large_view_size=140, context=1.4)
    boxes = np.array([[0, 0, 101, 100], [5, 5, 104, 105], [0, 0, 200, 51], [0, 0, 400, 10]])
    assert large_boxes(config, boxes).tolist() == [True, False, True, False]
    assert not large_boxes(ZOOM, boxes).any()
    assert not large_boxes(WHOLE, boxes).any()
    image = np.zeros((120, 400, 3), np.uint8)
    shapes = [cut_views(config, image, boxes, large=large).pixels.shape for large in (True, False)]
    assert [shape[2:] for shape in shapes] == [(140, 140), (96, 96)]


def test_a_large_view_is_larger() -> None:
    with pytest.raises(ConfigError, match="large_view_size is 96; give more than view_size, 96"):
        ModelConfig(backbone="tiny", view_size=96, large_view_size=96)
