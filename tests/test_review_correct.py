"""Clicks and boxes become masks: each click is obeyed, and what it does not reach stays."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from small_networks import SMALL

import boxmask
from boxmask.annotate.encode import PastedMask
from boxmask.annotate.network import DeviceNetwork
from boxmask.errors import InputError
from boxmask.images import load_image
from boxmask.models import build
from boxmask.models.cuts import Cuts
from boxmask.review.clicks import Grid, Point, moved_by_clicks, obey
from boxmask.review.correct import Corrector
from boxmask.window import Window

PHOTO = Path(__file__).parents[1] / "examples" / "photos" / "chelsea.jpg"
BOX = [134.0, 86.0, 203.0, 147.0]  # an eye


@pytest.fixture(scope="module")
def pixels() -> npt.NDArray[np.uint8]:
    return load_image(PHOTO.parent, PHOTO.name)


@pytest.fixture(scope="module")
def corrector() -> Corrector:
    return Corrector.load()


def bits(mask: PastedMask) -> npt.NDArray[np.bool_]:
    """The whole mask (W, H)."""
    whole = np.zeros((mask.width, mask.height), np.bool_)
    window = mask.window()
    w, h = window.bits.shape
    whole[window.x : window.x + w, window.y : window.y + h] = window.bits
    return whole


def test_a_box_alone_gets_the_mask_that_predict_makes(
    pixels: npt.NDArray[np.uint8], corrector: Corrector
) -> None:
    eyes = np.array([BOX, [295, 110, 342, 163]])
    found = boxmask.load(device="cpu")(pixels, eyes)
    mask = corrector.correct(pixels, BOX, others=eyes[1:])
    same = (bits(mask) == found.masks[0].T).mean()
    assert same > 0.9999 and mask.quality == pytest.approx(found.expected_iou[0], abs=1e-3)
    assert mask.rle()["size"] == [300, 451]


@pytest.mark.parametrize("seed", range(4))
def test_every_click_is_obeyed(
    pixels: npt.NDArray[np.uint8], corrector: Corrector, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    points = [
        Point(float(x), float(y), bool(inside))
        for x, y, inside in zip(
            chance.uniform(110, 220, 6),
            chance.uniform(70, 160, 6),
            chance.random(6) < 0.5,
            strict=True,
        )
    ]
    mask = bits(corrector.correct(pixels, BOX, points))
    assert [bool(mask[int(x), int(y)]) for x, y, _ in points] == [p.inside for p in points]


def test_a_click_changes_its_surroundings_and_not_what_is_far(
    pixels: npt.NDArray[np.uint8], corrector: Corrector
) -> None:
    before = bits(corrector.correct(pixels, BOX))
    x, y = next((int(x), int(y)) for x, y in np.argwhere(before) if x > 160)
    after = bits(corrector.correct(pixels, BOX, [Point(x + 0.5, y + 0.5, False)]))
    changed = np.argwhere(before != after)
    assert len(changed) > 1
    assert np.abs(changed - [x, y]).max() < 40


def test_a_box_grows_to_hold_a_click(pixels: npt.NDArray[np.uint8], corrector: Corrector) -> None:
    mask = bits(corrector.correct(pixels, BOX, [Point(230, 120, True)]))
    assert mask[230, 120]


def test_what_was_painted_stays_where_clicks_do_not_reach(
    pixels: npt.NDArray[np.uint8], corrector: Corrector
) -> None:
    stripes = np.zeros((60, 40), np.bool_)
    stripes[::3] = True
    before = Window(300, 200, stripes)  # far from the box, finer than the network sees
    mask = bits(corrector.correct(pixels, BOX, [Point(150, 100, True)], before=before))
    assert (mask[300:360, 200:240] == stripes).all() and mask[150, 100]


def test_all_erased_falls_back_to_what_the_network_says(
    pixels: npt.NDArray[np.uint8], corrector: Corrector
) -> None:
    tiny = [150.0, 100.0, 151.0, 101.0]
    assert corrector.correct(pixels, tiny, [Point(150.5, 100.5, False)]).box == (150, 100, 1, 1)


def test_with_a_key_the_network_looks_once(
    pixels: npt.NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    network = DeviceNetwork(build(SMALL), device="cpu", precision="fp32")
    asked, predict = [], network.predict

    def counted(cuts: Cuts, *, chunk: int, flip: bool = False) -> object:
        asked.append(len(cuts))
        return predict(cuts, chunk=chunk, flip=flip)

    monkeypatch.setattr(network, "predict", counted)
    corrector = Corrector(network)
    for points in ([], [Point(150, 100, True)], [Point(150, 100, False)]):
        corrector.correct(pixels, BOX, points, key=3)
    assert asked == [1]
    corrector.correct(pixels, BOX, key=4)
    corrector.correct(pixels, [134, 86, 203, 148], key=3)
    corrector.correct(pixels, BOX)
    corrector.correct(pixels, BOX)
    assert asked == [1] * 5


@pytest.mark.parametrize(
    ("box", "points", "message"),
    [
        ([0, 0, 5], [], "the box is"),
        ([9, 9, 9, 20], [], "no area"),
        ([600, 9, 700, 20], [], "no area in its image of 451 x 300"),
        ([float("nan"), 0, 5, 5], [], "the box is"),
        (BOX, [Point(451, 3, True)], "a click at 451, 3"),
    ],
)
def test_what_makes_no_sense_is_refused(
    box: list[float],
    points: list[Point],
    message: str,
    pixels: npt.NDArray[np.uint8],
    corrector: Corrector,
) -> None:
    with pytest.raises(InputError, match=message):
        corrector.correct(pixels, box, points)


def flat(logits: npt.NDArray[np.float32]) -> Grid:
    side = len(logits)
    return Grid(logits, np.zeros((side, side, 3), np.float32), np.array([0.0, 0, side, side]))


def test_clicks_stop_at_edges_of_colour() -> None:
    grid = flat(np.full((72, 72), -1, np.float32))
    grid.colours[:, 36:] = 1
    moved = moved_by_clicks(grid, grid.logits, [Point(30.5, 36.5, True)])
    assert moved[36, 30] >= 1.9 and moved[36, 34] > 0
    assert (moved[:, 36:] < 0).all()


def test_a_click_that_is_right_already_moves_nothing() -> None:
    grid = flat(np.full((72, 72), 5, np.float32))
    assert (moved_by_clicks(grid, grid.logits, [Point(9, 9, True)]) == grid.logits).all()


def test_of_two_clicks_on_a_pixel_the_last_counts() -> None:
    mask = Window(0, 0, np.zeros((5, 5), np.bool_))
    obey(mask, [Point(2, 2, True), Point(2, 2, False)], radius=1)
    assert not mask.bits[2, 2]
