"""Hints: planes that say where a box and its neighbours are, against brute force."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from boxmask.errors import ConfigError
from boxmask.models import ModelConfig, Views, build, cut_views
from boxmask.models.cuts import mask_frames
from boxmask.models.hints import PLANES, Neighbours, hint_planes
from boxmask.models.zoom import Floats

CONFIG = ModelConfig(
    backbone="tiny",
    view_size=64,
    large_view_size=96,
    feature_channels=16,
    embedding_channels=16,
    head_channels=4,
    window_masks=True,
)
SIDE = 16
BOX = np.array([40.0, 30, 80, 60])
WINDOW = np.array([32.0, 24, 88, 66])


def planes(*others: tuple[float, ...], same: tuple[bool, ...] = ()) -> dict[str, Floats]:
    """The planes of BOX by name, beside some other boxes."""
    boxes = np.array(others, dtype=np.float64).reshape(-1, 4)
    around = Neighbours(boxes, np.array(same or [False] * len(boxes), dtype=np.bool_))
    drawn = hint_planes(BOX, WINDOW, side=SIDE, tightness=0.1, neighbours=around)
    return dict(zip(PLANES, drawn.astype(np.float64), strict=True))


def covered(box: tuple[float, ...]) -> Floats:
    """Count, in each cell, which of 40 x 40 points a box covers."""
    points = (np.arange(SIDE * 40) + 0.5) / (SIDE * 40)
    x = WINDOW[0] + points * (WINDOW[2] - WINDOW[0])
    y = WINDOW[1] + points * (WINDOW[3] - WINDOW[1])
    inside = ((y > box[1]) & (y < box[3]))[:, None] & ((x > box[0]) & (x < box[2]))
    shares: Floats = inside.reshape(SIDE, 40, SIDE, 40).mean(axis=(1, 3))
    return shares


def test_the_cover_of_a_box_is_the_share_of_each_cell() -> None:
    np.testing.assert_allclose(planes()["box"], covered(tuple(BOX)), atol=0.03)
    other = (50.3, 20, 71, 47.7)
    found = planes(other)
    np.testing.assert_allclose(2 * found["other"], covered(other), atol=0.03)
    assert not found["same"].any()


def test_places_run_from_minus_one_to_one_across_the_box() -> None:
    found = planes()
    middles = WINDOW[0] + (np.arange(SIDE) + 0.5) / SIDE * (WINDOW[2] - WINDOW[0])
    np.testing.assert_allclose(found["x"][3], (middles - 60) / 20, atol=1e-6)
    middles = WINDOW[1] + (np.arange(SIDE) + 0.5) / SIDE * (WINDOW[3] - WINDOW[1])
    np.testing.assert_allclose(found["y"][:, 3], (middles - 45) / 15, atol=1e-6)


def test_boxes_of_the_same_label_have_a_plane_of_their_own() -> None:
    found = planes((32, 24, 60, 66), (60, 24, 88, 66), same=(True, False))
    assert (found["same"][:, :8] == 0.5).all() and not found["same"][:, 8:].any()
    assert (found["other"][:, 8:] == 0.5).all() and not found["other"][:, :8].any()


def test_two_boxes_cover_more_than_one() -> None:
    assert planes((0, 0, 200, 200), (0, 0, 190, 200))["other"].max() == 0.75


def test_the_smallest_neighbour_says_where_it_ends_and_how_large_it_is() -> None:
    large, small = (20.0, 20.0, 120.0, 75.0), (50.0, 40.0, 70.0, 55.0)
    for order in ((large, small), (small, large)):
        found = planes(*order)
        assert found["lower"][7, 7] == pytest.approx((55 - 60) / 30)
        assert found["lower"][0, 0] == pytest.approx((75 - 60) / 30)
        assert found["larger"][7, 7] == pytest.approx(np.log2(300 / 1200) / 4)
        x, y = 32 + 7.5 / SIDE * 56, 24 + 7.5 / SIDE * 42
        near = 1 - ((x - 60) / 10) ** 2 - ((y - 47.5) / 7.5) ** 2
        assert found["core"][7, 7] == pytest.approx(near)


def test_what_is_far_away_or_the_same_object_is_no_neighbour() -> None:
    found = planes((89, 24, 99, 66), (41, 30, 80, 60), (0, 0, 32, 100))
    assert not any(found[name].any() for name in PLANES[4:])


def test_a_neighbour_without_area_is_none() -> None:
    found = planes((50.3, 30, 50.3, 60), (41.75, 33, 61, 33))
    assert not any(found[name].any() for name in PLANES[4:])


def test_an_object_named_twice_is_found_by_its_iou() -> None:
    assert planes((40, 30, 80, 53))["other"].any()  # IoU 0.77
    assert not planes((40, 30, 80, 55))["other"].any()  # IoU 0.83


def views(tightness: float = 0.0, *, large: bool = False) -> Views:
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    around = Neighbours(np.array([[50.0, 20, 75, 48]]), np.array([True]))
    return cut_views(
        CONFIG, image, BOX[None], tightness=tightness, neighbours=[around], large=large
    )


def test_the_mirror_image_of_a_view_has_the_hints_of_the_mirrored_boxes() -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    turned = np.array([1, 0, 1, 0], dtype=np.bool_)

    def mirror(boxes: Floats) -> Floats:
        return np.where(turned, 120 - boxes[:, [2, 1, 0, 3]], boxes[:, [2, 1, 0, 3]])

    around = Neighbours(mirror(np.array([[50.0, 20, 75, 48]])), np.array([True]))
    box = np.array([[120 - 80.0, 30, 120 - 40.0, 60]])
    around.boxes[:, [1, 3]] = [20, 48]
    around.boxes[:, [0, 2]] = [120 - 75.0, 120 - 50.0]
    wanted = cut_views(CONFIG, image, box, neighbours=[around]).hints
    found = views().mirrored().hints
    assert found is not None and wanted is not None
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


def test_a_loose_box_shows_more_around_it_and_says_so() -> None:
    exact, loose = views(), views(0.1)
    assert exact.hints is not None and loose.hints is not None
    tightness = PLANES.index("tightness")
    assert not exact.hints[:, tightness].any()
    assert (loose.hints[:, tightness] == 0.5).all()
    narrow, wide = (mask_frames(CONFIG, BOX[None], tightness=t)[0] for t in (0, 0.1))
    assert (narrow[2] - narrow[0], wide[2] - wide[0]) == pytest.approx((1.4 * 40, 1.6 * 40))


@pytest.mark.parametrize(("large", "side"), [(False, 32), (True, 48)])
def test_masks_are_half_the_side_of_their_views(large: bool, side: int) -> None:
    network = build(CONFIG).eval()
    with torch.no_grad():
        assert network(views(large=large)).logits.shape == (1, side, side)


def test_hints_count_for_nothing_in_a_new_backbone_and_much_in_a_trained_one() -> None:
    network = build(CONFIG).eval()
    pixels = network.normalise(views().pixels)
    ones, zeros = torch.ones(1, len(PLANES), SIDE, SIDE), torch.zeros(1, len(PLANES), SIDE, SIDE)
    with torch.no_grad():
        (one,), (other,) = network.backbone(pixels, ones), network.backbone(pixels, zeros)
        assert torch.equal(one.features, other.features)
        for name, weight in network.named_parameters():
            if name == "backbone.trunk.hints.weight":
                weight.fill_(1)
        (one,) = network.backbone(pixels, ones)
    assert not torch.allclose(one.features, other.features)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"family": "deepmac"}, "window_masks is for family zoom, not deepmac"),
        ({"view_size": 70}, "view_size is 70; with window_masks give a multiple of 4"),
    ],
)
def test_errors_say_what_window_masks_need(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(CONFIG, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{"backbone": "hourglass52"}, {"head": "fc2"}])
def test_parts_that_cannot_see_hints_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="window_masks needs"):
        build(replace(CONFIG, **changes))  # type: ignore[arg-type]
