"""Overlays: what is tinted, what is left alone, and what must not make them fail."""

import numpy as np
import pytest

from boxmask.overlay import Pixels, colour, outline, overlay
from boxmask.window import Window

GRAY = 128


def gray(height: int = 40, width: int = 60) -> Pixels:
    return np.full((height, width, 3), GRAY, np.uint8)


def block(x: int, y: int, width: int, height: int) -> Window:
    return Window(x, y, np.ones((width, height), np.bool_))


def changed(drawn: Pixels) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    marks: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = (drawn != GRAY).any(axis=2)
    return marks


def test_exactly_the_pixels_of_the_mask_change_and_the_picture_itself_does_not() -> None:
    image = gray()
    drawn = changed(overlay(image, [block(5, 3, 20, 12)]))
    assert drawn[3:15, 5:25].all() and drawn.sum() == 12 * 20
    assert (image == GRAY).all()


def test_the_outline_has_the_colour_of_the_instance_and_a_dark_line_inside() -> None:
    drawn = overlay(gray(), [None, block(5, 3, 20, 12)])
    assert tuple(drawn[3, 10]) == colour(1)
    assert tuple(drawn[4, 10]) == (0, 0, 0)
    assert drawn[9, 15].tolist() not in ([GRAY] * 3, [0, 0, 0], list(colour(1)))


def test_the_outline_follows_a_hole() -> None:
    bits = np.ones((9, 9), np.bool_)
    bits[4, 4] = False
    border = outline(bits, 1)
    assert border[0].all() and border[3, 4] and border[4, 3] and not border[4, 4]
    assert not border[2, 2]


def test_a_box_and_its_label_are_drawn_where_they_are() -> None:
    plain = overlay(gray(), [None], boxes=np.array([[10.0, 20, 30, 35]]))
    assert tuple(plain[20, 10]) == tuple(plain[34, 29]) == colour(0)
    assert changed(plain).sum() == 2 * 20 + 2 * 13
    labelled = overlay(gray(), [None], boxes=np.array([[10.0, 20, 30, 35]]), labels=["0.87"])
    assert changed(labelled)[:19].any() and not changed(labelled)[36:].any()


@pytest.mark.parametrize(
    "box", [[np.nan] * 4, [-1e300, -5, 1e300, 5], [3, 3, 3.2, 3.1], [100, 100, 90, 90]]
)
def test_a_strange_box_does_no_harm(box: list[float]) -> None:
    drawn = overlay(gray(), [None], boxes=np.array([box]), labels=["0.5"])
    assert drawn.shape == (40, 60, 3)


def test_an_enlarged_picture_has_enlarged_masks_and_boxes() -> None:
    drawn = overlay(gray(), [block(1, 2, 10, 10)], boxes=np.array([[20.0, 20, 30, 30]]), enlarge=3)
    assert drawn.shape == (120, 180, 3)
    assert changed(drawn)[6:36, 3:33].all() and changed(drawn)[60, 60]


def test_no_two_of_the_first_colours_are_alike() -> None:
    colours = np.array([colour(number) for number in range(8)])
    distance = np.abs(colours[:, None] - colours[None]).sum(axis=2) + 999 * np.eye(8)
    assert distance.min() > 60


def test_an_image_without_instances_comes_back_unchanged() -> None:
    assert not changed(overlay(gray(), [], boxes=np.zeros((0, 4)))).any()
