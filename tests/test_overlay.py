"""Overlays: what is tinted, what is left alone, and what must not make them fail."""

import numpy as np
import pytest

from boxmask.overlay import Pixels, captioned, colour, outline, overlay, scaled, sheet
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


def test_a_turned_box_is_drawn_by_its_corners() -> None:
    boxes = np.array([[10.0, 10, 30, 30], [40, 5, 50, 15]])
    corners = np.full((2, 4, 2), np.nan)
    corners[0] = [[20, 10], [30, 20], [20, 30], [10, 20]]
    drawn = changed(overlay(gray(), [None, None], boxes=boxes, corners=corners))
    assert drawn[10, 20] and drawn[20, 30] and drawn[15, 25] and not drawn[10, 10]
    assert drawn[5, 40] and drawn[14, 49]  # the upright one as ever
    assert not changed(
        overlay(gray(), [None, None], boxes=boxes, corners=corners, frames=False)
    ).any()


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


def test_a_scaled_mask_covers_the_same_part_of_the_image() -> None:
    window = scaled(block(4, 8, 20, 12), 0.5)
    assert window is not None and (window.x, window.y) == (2, 4)
    assert window.bits.shape == (10, 6) and window.bits.all()
    assert scaled(block(4, 8, 1, 1), 0.1) is None


def test_a_mask_that_reaches_over_the_border_is_cut_there() -> None:
    drawn = changed(overlay(gray(), [block(50, 30, 11, 11)]))
    assert drawn[30:, 50:].all() and drawn.sum() == 10 * 10


def test_without_frames_the_label_of_a_box_remains() -> None:
    box = np.array([[10.0, 20, 30, 35]])
    assert not changed(overlay(gray(), [None], boxes=box, frames=False)).any()
    assert changed(overlay(gray(), [None], boxes=box, frames=False, labels=["0.87"])).any()


def test_tiles_are_laid_out_in_rows_that_are_wide_enough() -> None:
    tiles = [gray(10, 20), gray(12, 20), gray(8, 50)]
    laid = sheet(tiles, width=44, gap=4)
    assert laid.shape == (12 + 4 + 8, 50, 3)
    assert (laid[:10, :20] == GRAY).all() and (laid[:12, 24:44] == GRAY).all()
    assert (laid[16:24] == GRAY).all() and (laid[12:16] == 255).all()


def test_a_caption_stands_below_and_a_long_one_keeps_its_end() -> None:
    short, long = captioned(gray(), "b.jpg"), captioned(gray(), "very/long/path/b.jpg" * 9)
    assert (short[:40] == GRAY).all() and short.shape == long.shape == (58, 60, 3)
    assert (short[40:] < 128).any() and (long[40:] < 128).any()


@pytest.mark.parametrize("name", ["a\nb", "\ud800", "\u202e\x1b[2J", "long" * 100_000])
def test_a_name_out_of_the_data_is_drawn_in_a_line_whatever_it_is(name: str) -> None:
    tile = np.full((40, 60, 3), 255, np.uint8)
    assert captioned(tile, name).shape == (captioned(tile, "a").shape)
    drawn = overlay(tile, [None], boxes=np.array([[9.0, 20.0, 30.0, 30.0]]), labels=[name])
    assert drawn.shape == tile.shape
