"""Views and masks of turned boxes: against brute force, and against turned images."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mask_files import whole

from boxmask.geometry import paste_frame_runs
from boxmask.models.hints import Neighbours, hint_planes
from boxmask.models.zoom import PADDING_GREY, cut_boxes, windows_of
from boxmask.paste_turned import paste_turned_runs
from boxmask.rle import runs_window
from boxmask.turned import Floats, corners_of, own_frames, to_frame, to_image

Bits = npt.NDArray[np.bool_]
QUARTER = math.pi / 2
WIDTH, HEIGHT = 90, 60


def bits_of(counts: npt.NDArray[np.int64], width: int, height: int) -> Bits:
    """All pixels of an image from runs."""
    window = runs_window(counts, width=width, height=height, box=(0, 0, width, height))
    return whole(window, width, height)


def brute_force(probability: Floats, frame: Floats, clip: Floats, angle: float) -> Bits:
    """Visit each pixel of the image on its own."""
    image = np.zeros((HEIGHT, WIDTH), np.bool_)
    side = len(probability)
    for row in range(HEIGHT):
        for column in range(WIDTH):
            x, y = column + 0.5, row + 0.5
            u = x * math.cos(angle) + y * math.sin(angle)
            v = y * math.cos(angle) - x * math.sin(angle)
            if not (clip[0] <= u <= clip[2] and clip[1] <= v <= clip[3]):
                continue
            a = min(max((u - frame[0]) / (frame[2] - frame[0]) * side - 0.5, 0), side - 1)
            b = min(max((v - frame[1]) / (frame[3] - frame[1]) * side - 0.5, 0), side - 1)
            i, j = min(int(b), side - 2), min(int(a), side - 2)
            above = probability[i, j] * (1 - (a - j)) + probability[i, j + 1] * (a - j)
            below = probability[i + 1, j] * (1 - (a - j)) + probability[i + 1, j + 1] * (a - j)
            image[row, column] = above * (1 - (b - i)) + below * (b - i) > 0.5
    return image


@settings(deadline=None, max_examples=40)
@given(
    centre=st.tuples(st.floats(-5, 95), st.floats(-5, 65)),
    sides=st.tuples(st.floats(0.2, 80), st.floats(0.2, 80)),
    angle=st.floats(-math.pi, math.pi),
    loose=st.booleans(),
    seed=st.integers(0, 99),
)
def test_a_turned_mask_is_pasted_as_brute_force_does(
    centre: tuple[float, float], sides: tuple[float, float], angle: float, loose: bool, seed: int
) -> None:
    probability = np.random.default_rng(seed).random((7, 7), dtype=np.float32)
    middle = to_frame(np.array(centre), angle)
    half = np.array(sides) / 2
    box = np.concatenate([middle - half, middle + half])
    frame = windows_of(box[None], context=1.4)[0]
    clip = frame if loose else box
    size = {"width": WIDTH, "height": HEIGHT}
    counts = paste_turned_runs(probability, frame, angle=angle, clip=clip, **size)
    expected = brute_force(probability.astype(np.float64), frame, clip, angle)
    if not expected.any():
        x, y = (
            min(max(int(side), 0), most - 1) for side, most in zip(centre, (90, 60), strict=True)
        )
        assert bits_of(counts, **size).sum() == 1
        found = np.argwhere(bits_of(counts, **size))[0]
        assert np.abs(found - [y, x]).max() <= 1  # an edge of a pixel may fall to either side
        return
    # A value may pass by rounding alone.
    assert (bits_of(counts, **size) != expected).sum() <= 1


def turned_image(image: npt.NDArray[np.uint8], quarters: int) -> npt.NDArray[np.uint8]:
    """Turn an image (H, W, 3) by quarters, anticlockwise on screen."""
    return np.ascontiguousarray(np.rot90(image, quarters))


def shift_of(quarters: int, width: int, height: int) -> Floats:
    """Where the origin of a frame at -90 x quarters degrees ends up in the image turned so."""
    corners = np.array([[0.0, 0], [width, 0], [0, height], [width, height]])
    lowest: Floats = to_frame(corners, quarters * QUARTER).min(axis=0)
    return lowest


@pytest.mark.parametrize("quarters", [1, 2, 3])
@pytest.mark.parametrize(
    ("box", "most"),
    # Inside the image as good as the same; beyond it, the image does not fade into the grey.
    [((20.5, 13.25, 60.0, 50.75), 1), ((2.0, 3.0, 9.5, 8.0), 1), ((-10.0, 20.0, 31.0, 66.0), 120)],
)
def test_a_view_turned_by_quarters_is_the_view_of_the_turned_image(
    quarters: int, box: tuple[float, ...], most: int
) -> None:
    random = np.random.default_rng(5)
    image = random.integers(0, 256, (300, 400, 3), dtype=np.uint8)
    upright = np.array([box]) * 4
    angle = quarters * QUARTER
    corners = corners_of(upright, np.zeros(1))
    own = np.concatenate(
        [to_frame(corners, angle).min(axis=1), to_frame(corners, angle).max(axis=1)], 1
    )
    windows = windows_of(own, context=1.4)
    found, _ = cut_boxes(image, own, windows, side=48, angles=np.array([angle]))
    lowest = np.tile(shift_of(quarters, 400, 300), 2)
    expected, _ = cut_boxes(turned_image(image, quarters), own - lowest, windows - lowest, side=48)
    assert np.abs(found.astype(int) - expected).max() <= most


@pytest.mark.parametrize("quarters", [1, 2, 3])
@pytest.mark.parametrize("loose", [False, True])
def test_a_mask_turned_by_quarters_is_the_mask_of_the_turned_image(
    quarters: int, loose: bool
) -> None:
    random = np.random.default_rng(quarters)
    probability = random.random((9, 9), dtype=np.float32)
    box = np.array([20.3, 10.6, 63.1, 41.4])
    angle = quarters * QUARTER
    corners = corners_of(box[None], np.zeros(1))
    within = to_frame(corners, angle)[0]
    own = np.concatenate([within.min(axis=0), within.max(axis=0)])
    frame = windows_of(own[None], context=1.4)[0]
    clip = frame if loose else own
    counts = paste_turned_runs(probability, frame, angle=angle, clip=clip, width=90, height=60)
    lowest = np.tile(shift_of(quarters, 90, 60), 2)
    width, height = (60, 90) if quarters % 2 else (90, 60)
    upright = paste_frame_runs(
        probability, frame - lowest, clip=clip - lowest, width=width, height=height
    )
    expected = np.rot90(bits_of(upright, width, height), -quarters)
    assert np.array_equal(bits_of(counts, 90, 60), expected)


@pytest.mark.parametrize("degrees", [-38.0, 12.5, 30.0])
@pytest.mark.parametrize("side", [24, 120])
def test_a_turned_view_shows_each_place_where_it_is(degrees: float, side: int) -> None:
    """Two ramps, along x and along y, tell by their colours which place a pixel shows.

    Grey levels are cut to whole ones; a ramp and its negative cancel that.
    """
    x, y = np.meshgrid(np.arange(400) + 0.5, np.arange(300) + 0.5)
    image = np.stack([x / 400 * 250, y / 300 * 250, x * 0], axis=-1).round().astype(np.uint8)
    angle = math.radians(degrees)
    middle = to_frame(np.array([200.0, 150]), angle)
    half = np.array([70.0, 25])
    box = np.concatenate([middle - half, middle + half])
    window = windows_of(box[None], context=1.4)
    angles = np.array([angle])
    (view,), fractions = cut_boxes(image, box[None], window, side=side, angles=angles)
    (negative,), _ = cut_boxes(250 - image, box[None], window, side=side, angles=angles)
    cells = (np.arange(side) + 0.5) / side
    u, v = np.meshgrid(*(window[0, k] + (window[0, k + 2] - window[0, k]) * cells for k in (0, 1)))
    places = to_image(np.stack([u, v], axis=-1), angle)
    levels = (view.astype(float) - negative + 250)[..., :2] / 2
    seen = levels / 250 * [400, 300]
    assert np.abs((seen - places).mean(axis=(0, 1))).max() < 0.05
    assert np.abs(seen - places).max() < 1.7  # half a grey level, twice
    # The corners of the box lie as far from the sides of the view as the context says.
    pixels = fractions[0] * (side - 1) + 0.5
    np.testing.assert_allclose(pixels, np.array([0.2, 0.2, 1.2, 1.2]) / 1.4 * side, atol=1e-9)


def test_beyond_the_image_a_turned_view_is_grey() -> None:
    image = np.full((60, 90, 3), 200, np.uint8)
    box = np.array([[300.0, 300, 340, 330]])
    views, _ = cut_boxes(image, box, windows_of(box, context=1.4), side=24, angles=np.array([0.4]))
    assert (views == PADDING_GREY).all()


def test_a_turned_frame_of_a_turned_world_is_upright() -> None:
    """A box and its neighbours, all turned alike: the planes are those of upright boxes."""
    box, window = np.array([40.0, 30, 80, 60]), np.array([32.0, 24, 88, 66])
    others = np.array([[50.3, 20, 71, 47.7], [10, 35, 60, 90]])
    same = np.array([True, False])
    upright = hint_planes(box, window, side=16, tightness=0.0, neighbours=Neighbours(others, same))
    turned = hint_planes(
        box, window, side=16, tightness=0.0, neighbours=Neighbours(others, same, np.zeros(2))
    )
    assert np.array_equal(upright, turned)
    # By a quarter turn, sides change places: the same boxes, told as turned ones.
    corners = corners_of(others, np.zeros(2))
    within = to_frame(corners, QUARTER)
    sides = np.concatenate([within.min(axis=1), within.max(axis=1)], axis=1)
    told = Neighbours(sides, same, np.full(2, QUARTER))
    quarter = hint_planes(box, window, side=16, tightness=0.0, neighbours=told)
    np.testing.assert_allclose(quarter, upright, atol=0.13)  # covers are seen at 4 x 4 points
    for plane in (6, 7):  # lower and larger say the same wherever both see a neighbour
        both = (quarter[plane] != 0) & (upright[plane] != 0)
        np.testing.assert_allclose(quarter[plane][both], upright[plane][both], atol=1e-6)


def test_a_turned_neighbour_covers_the_cells_that_it_covers() -> None:
    box, window = np.array([40.0, 30, 80, 60]), np.array([32.0, 24, 88, 66])
    corners = np.array([[45.0, 40], [65, 30], [72, 44], [52, 54]])
    boxes, angles = own_frames(corners[None])
    told = Neighbours(boxes, np.array([True]), angles)
    found = hint_planes(box, window, side=16, tightness=0.0, neighbours=told)[4] * 2
    points = (np.arange(16 * 20) + 0.5) / (16 * 20)
    x, y = np.meshgrid(32 + 56 * points, 24 + 42 * points)
    inside = np.ones(x.shape, np.bool_)
    for k in range(4):
        (ax, ay), (bx, by) = corners[k], corners[(k + 1) % 4]
        inside &= (bx - ax) * (y - ay) - (by - ay) * (x - ax) >= 0
    expected = inside.reshape(16, 20, 16, 20).mean(axis=(1, 3))
    assert np.abs(found - expected).max() < 0.16
    assert abs(found.sum() - expected.sum()) < 0.02 * expected.sum()


def test_the_same_object_named_by_a_turned_and_an_upright_box_is_no_neighbour() -> None:
    box, window = np.array([40.0, 30, 80, 60]), np.array([32.0, 24, 88, 66])
    middle = to_frame(np.array([60.0, 45]), 0.05)
    half = np.array([20.0, 15])
    again = np.concatenate([middle - half, middle + half])[None]
    told = Neighbours(again, np.array([True]), np.array([0.05]))
    assert not hint_planes(box, window, side=16, tightness=0.0, neighbours=told)[4:].any()
    half = np.array([20.0, 4])
    across = np.concatenate([middle - half, middle + half])[None]
    told = Neighbours(across, np.array([True]), np.array([0.05]))
    assert hint_planes(box, window, side=16, tightness=0.0, neighbours=told)[4:].any()
