"""Shapes and GrabCut drawn into boxes."""

import sys
from pathlib import Path

import numpy as np
import pytest
from evaluation_files import HEIGHT, WIDTH, annotation, form, rectangle, write
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from boxmask.errors import ConfigError
from boxmask.evaluate.grabcut import grabcut
from boxmask.evaluate.job import EvaluateJob
from boxmask.evaluate.run import evaluate
from boxmask.evaluate.shapes import SHAPES, filled_box, inscribed_ellipse


def test_a_filled_box_takes_the_pixels_whose_centres_it_holds() -> None:
    window = filled_box(np.array([2.4, 3.6, 5.6, 5.5]), 10, 10)
    assert (window.x, window.y, window.bits.shape) == (2, 4, (4, 2))
    assert window.bits.all()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-5, 45), min_size=4, max_size=4))
def test_an_ellipse_agrees_with_its_formula_on_every_pixel(corners: list[float]) -> None:
    x0, x1 = sorted(corners[:2])
    y0, y1 = sorted(corners[2:])
    x1, y1 = x1 + 4, y1 + 4
    assume(x0 <= 35 and y0 <= 25 and x1 >= 5 and y1 >= 5)
    window = inscribed_ellipse(np.array([x0, y0, x1, y1]), 40, 30)
    full = np.zeros((40, 30), dtype=np.bool_)
    w, h = window.bits.shape
    full[window.x : window.x + w, window.y : window.y + h] = window.bits
    x, y = np.mgrid[:40, :30] + 0.5
    expected = ((x - (x0 + x1) / 2) / ((x1 - x0) / 2)) ** 2 + (
        (y - (y0 + y1) / 2) / ((y1 - y0) / 2)
    ) ** 2 <= 1
    # The middle pixel of the window is always set, and may lie outside when the box is cut off.
    assert np.count_nonzero(full != expected) <= 1


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("box", [(3.2, 3.2, 3.3, 3.3), (-8, -8, 0.2, 0.2), (9.6, 9.6, 20, 20)])
def test_every_box_gets_at_least_one_pixel(name: str, box: tuple[float, ...]) -> None:
    assert SHAPES[name](np.array(box), 10, 10).bits.any()


def test_grabcut_finds_a_bright_object_on_a_dark_ground() -> None:
    random = np.random.default_rng(0)
    image = random.integers(0, 60, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    truth = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
    truth[20:40, 30:40] = True
    truth[30:40, 30:55] = True
    image[truth] += 180
    window = grabcut(image, np.array([30, 20, 55, 40], dtype=np.float64))
    assert (window.x, window.y) == (30, 20)
    assert np.array_equal(window.bits.T, truth[20:40, 30:55])


def test_grabcut_falls_back_to_the_box_where_there_is_no_background() -> None:
    image = np.zeros((20, 20, 3), dtype=np.uint8)
    assert grabcut(image, np.array([0, 0, 20, 20], dtype=np.float64)).bits.all()


def test_grabcut_runs_over_files_and_counts_missing_photos(tmp_path: Path) -> None:
    image = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    image[10:30, 10:30] = 255
    Image.fromarray(image).save(tmp_path / "1.jpg", quality=95)
    loose = annotation(1, rectangle(10, 10, 20, 20), bbox=[5, 5, 30, 30])
    truth = write(tmp_path, "true.json", form([loose, annotation(2, image_id=2)]))
    found = evaluate(
        EvaluateJob(truth, baselines=("grabcut",), images=tmp_path, workers=1)
    ).report.systems[0]
    assert found.missing == {"image missing": 1}
    assert found.splits["overall"].iou.instance_mean == pytest.approx(0.5, abs=0.05)


def test_without_opencv_grabcut_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    truth = write(tmp_path, "true.json", form([annotation(1)]))
    with pytest.raises(ConfigError, match=r"pip install 'boxmask\[grabcut\]'"):
        evaluate(EvaluateJob(truth, baselines=("grabcut",), images=tmp_path))
