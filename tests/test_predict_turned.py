"""Turned boxes through the bundled network: as upright ones in the turned picture."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import boxmask
from boxmask.errors import InputError
from boxmask.predict import Predictor
from boxmask.turned import corners_of, own_frames, to_frame

PHOTOS = Path(__file__).parents[1] / "examples" / "photos"
CAT = [58, 14, 412, 299]
EYES = [[134, 86, 203, 147], [295, 110, 342, 163]]


@pytest.fixture(scope="module")
def predict() -> Predictor:
    return boxmask.load(device="cpu")


@pytest.fixture(scope="module")
def picture() -> npt.NDArray[np.uint8]:
    return np.asarray(Image.open(PHOTOS / "chelsea.jpg").convert("RGB"))


def corners(boxes: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return corners_of(np.array(boxes, np.float64), np.zeros(1))


def iou(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_corners_of_upright_boxes_are_the_boxes(
    predict: Predictor, picture: npt.NDArray[np.uint8]
) -> None:
    plain = predict(picture, [CAT, *EYES])
    told = predict(picture, corners([CAT, *EYES]))
    assert told.rle == plain.rle
    assert told.expected_iou.tolist() == plain.expected_iou.tolist()


def test_an_upright_box_beside_a_turned_one_keeps_its_bytes(
    predict: Predictor, picture: npt.NDArray[np.uint8]
) -> None:
    turned = corners_of(np.array([EYES[0]], float), np.array([0.05]))[0]
    both = np.stack([corners([CAT])[0], turned])
    alone = predict(picture, [CAT], neighbours=False)
    beside = predict(picture, both, neighbours=False)
    assert beside.rle[0] == alone.rle[0]


def test_a_neighbour_that_is_turned_by_a_hair_tells_what_an_upright_one_tells(
    predict: Predictor, picture: npt.NDArray[np.uint8]
) -> None:
    hair = corners_of(np.array([EYES[0]], float), np.array([0.005]))[0]
    turned = predict(picture, np.stack([corners([CAT])[0], hair])).masks[0]
    upright = predict(picture, [CAT, EYES[0]]).masks[0]
    unknown = predict(picture, [CAT], neighbours=False).masks[0]
    assert iou(turned, upright) > 0.98 > iou(turned, unknown)


@pytest.mark.parametrize("degrees", [-35, 20])
def test_a_turned_box_of_a_turned_picture_has_the_turned_mask(
    predict: Predictor, picture: npt.NDArray[np.uint8], degrees: int
) -> None:
    """The frame of the turned box shows what the upright box shows in the upright picture."""
    turned = Image.fromarray(picture).rotate(
        -degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=(127,) * 3
    )
    height, width = picture.shape[:2]
    from_middle = corners(EYES) - np.array([width, height]) / 2
    there = to_frame(from_middle, -math.radians(degrees)) + np.array(turned.size) / 2
    found = predict(turned, there)
    plain = predict(picture, EYES)
    for k in range(2):
        mask = Image.fromarray(plain.masks[k].astype(np.uint8) * 255)
        mask = mask.rotate(-degrees, Image.Resampling.BILINEAR, expand=True)
        assert iou(found.masks[k], np.asarray(mask) > 127) > 0.97
    np.testing.assert_allclose(found.expected_iou, plain.expected_iou, atol=0.03)
    # No pixel leaves its box, and the tight box stays upright.
    (own, _), (angle, _) = own_frames(there)
    rows, columns = np.nonzero(found.masks[0])
    within = to_frame(np.stack([columns, rows], axis=1).astype(np.float64) + 0.5, angle)
    assert (within >= own[:2]).all() and (within <= own[2:]).all()
    x0, y0, x1, y1 = found.boxes[0].tolist()
    assert (x0, y0) == (columns.min(), rows.min()) and (x1, y1) == (
        columns.max() + 1,
        rows.max() + 1,
    )


def test_a_turned_box_over_the_border_is_masked_inside(
    predict: Predictor, picture: npt.NDArray[np.uint8]
) -> None:
    """What is left of the box in the picture is what the network looks at."""
    over = corners_of(np.array([[-80.0, 20, 200, 160]]), np.array([0.3]))
    (found,) = predict(picture, over).masks
    height, width = picture.shape[:2]
    rows, columns = np.nonzero(found)
    assert len(rows) > 1000 and found.shape == (height, width)
    (own,), (angle,) = own_frames(over)
    within = to_frame(np.stack([columns, rows], axis=1).astype(np.float64) + 0.5, angle)
    assert (within >= own[:2] - 1e-6).all() and (within <= own[2:] + 1e-6).all()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([[0, 0], [40, 0], [40, 30], [0, 5]], "is no rectangle"),
        ([[0, 0], [40, 30], [40, 0], [0, 30]], "is no rectangle"),
        ([[0, 0], [10, 10], [20, 20], [30, 30]], "has no area"),
        ([[0, 0], [10, math.nan], [20, 20], [30, 30]], "is not finite"),
        ([[900, 0], [940, 10], [937, 22], [897, 12]], "box is outside the image"),
    ],
)
def test_impossible_corners_are_refused(
    predict: Predictor, picture: npt.NDArray[np.uint8], wrong: list[list[float]], said: str
) -> None:
    with pytest.raises(InputError, match=rf"boxes\[1\].* {said}"):
        predict(picture, [corners([CAT])[0].tolist(), wrong])


def test_three_corners_are_no_box(predict: Predictor, picture: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(InputError, match=r"four corners of each, \(N, 4, 2\)"):
        predict(picture, np.zeros((2, 3, 2)))
