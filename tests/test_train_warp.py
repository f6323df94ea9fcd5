"""Images, masks and boxes go through the same map."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxmask.train.data.scene import Instance
from boxmask.train.data.warp import (
    compose,
    invert,
    linear_map,
    map_box,
    render,
    warp_instance,
    warp_mask,
    with_translation,
)
from boxmask.window import Window

CENTRE, RADII = (33.0, 27.0), (14.0, 9.0)
CANVAS = (0, 0, 80, 70)


def ellipse(height: int = 60, width: int = 70) -> np.ndarray:
    y, x = np.mgrid[:height, :width] + 0.5
    inside: np.ndarray = ((x - CENTRE[0]) / RADII[0]) ** 2 + ((y - CENTRE[1]) / RADII[1]) ** 2 < 1
    return inside


def instance() -> Instance:
    mask = Window(0, 0, ellipse().T).trimmed()
    assert mask is not None
    return Instance(mask.box(), mask, "ellipse")


def as_whole(mask: Window, canvas: tuple[int, int, int, int]) -> np.ndarray:
    whole = np.zeros((canvas[3], canvas[2]), bool)
    width, height = mask.bits.shape
    whole[mask.y : mask.y + height, mask.x : mask.x + width] = mask.bits.T
    return whole


def mapped_ellipse(matrix: np.ndarray) -> np.ndarray:
    """Fill the mapped shape by asking every pixel's centre where it came from."""
    y, x = np.mgrid[: CANVAS[3], : CANVAS[2]] + 0.5
    back = invert(matrix)
    points = back[:, :2] @ np.stack([x.ravel(), y.ravel()]) + back[:, 2:]
    inside = sum(((points[k] - CENTRE[k]) / RADII[k]) ** 2 for k in range(2)) < 1
    return np.asarray(inside).reshape(CANVAS[3], CANVAS[2])


maps = st.builds(
    lambda degrees, mirror, stretch, x, y: compose(
        with_translation(np.eye(2), x=40 + x, y=35 + y),
        compose(
            with_translation(linear_map(degrees=degrees, mirror=mirror, stretch=stretch)),
            with_translation(np.eye(2), x=-CENTRE[0], y=-CENTRE[1]),
        ),
    ),
    degrees=st.floats(-180, 180),
    mirror=st.booleans(),
    stretch=st.floats(0.7, 1.4),
    x=st.floats(-15, 15),
    y=st.floats(-15, 15),
)


@settings(deadline=None, max_examples=40)
@given(matrix=maps)
def test_image_mask_and_box_stay_aligned(matrix: np.ndarray) -> None:
    expected = mapped_ellipse(matrix)
    found = warp_instance(instance(), matrix, CANVAS)
    assert found is not None and found.mask is not None
    mask = as_whole(found.mask, CANVAS)
    assert (mask & expected).sum() / (mask | expected).sum() > 0.92
    image = render(np.repeat(ellipse()[..., None], 3, 2).astype(np.uint8) * 255, matrix, CANVAS)
    assert ((image[..., 0] > 127) != mask).sum() <= 0.01 * mask.sum()
    rows, columns = np.nonzero(mask)
    tight = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(found.box, tight, atol=1.5)


@settings(deadline=None, max_examples=40)
@given(matrix=maps)
def test_a_map_and_its_inverse_cancel_out(matrix: np.ndarray) -> None:
    np.testing.assert_allclose(compose(matrix, invert(matrix)), np.eye(2, 3), atol=1e-9)


def test_a_mirrored_image_is_copied_pixel_by_pixel() -> None:
    image = np.random.default_rng(0).integers(0, 255, (6, 9, 3)).astype(np.uint8)
    mirror = with_translation(linear_map(mirror=True), x=9)
    assert np.array_equal(render(image, mirror, (0, 0, 9, 6)), image[:, ::-1])


@pytest.mark.parametrize("canvas", [(-3, -2, 12, 8), (2, 1, 5, 4), (20, 20, 22, 25)])
def test_beyond_the_image_is_fill(canvas: tuple[int, int, int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 255, (6, 9, 3)).astype(np.uint8)
    framed = np.full((60, 60, 3), 99, np.uint8)
    framed[20:26, 20:29] = image
    x0, y0, x1, y1 = canvas
    found = render(image, np.eye(2, 3), canvas, fill=99)
    assert np.array_equal(found, framed[20 + y0 : 20 + y1, 20 + x0 : 20 + x1])


def test_a_reduced_image_is_averaged() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    small = render(stripes, with_translation(np.eye(2) / 4), (0, 0, 16, 16))
    assert np.abs(small[2:-2, 2:-2].astype(int) - 100).max() <= 1


def test_what_leaves_the_canvas_is_gone() -> None:
    away = with_translation(np.eye(2), x=500)
    assert warp_instance(instance(), away, CANVAS) is None
    mask = instance().mask
    assert mask is not None and warp_mask(mask, away, CANVAS) is None


def test_an_upright_map_keeps_the_fractions_of_a_box() -> None:
    one = Instance(np.array([18.4, 17.9, 47.2, 36.3]), instance().mask, "")
    found = warp_instance(one, with_translation(linear_map(mirror=True), x=70), None)
    assert found is not None
    np.testing.assert_allclose(found.box, [70 - 47.2, 17.9, 70 - 18.4, 36.3])


def test_the_bounds_of_a_turned_box_hold_its_corners() -> None:
    found = map_box(with_translation(linear_map(degrees=90)), np.array([1.0, 2, 5, 10]))
    np.testing.assert_allclose(found, [-10, 1, -2, 5], atol=1e-9)
