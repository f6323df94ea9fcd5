"""Targets and true IoU, against brute force."""

import numpy as np
import pytest
import torch

from boxmask.geometry import paste
from boxmask.models.threshold import shift_to_best_threshold
from boxmask.train.data.scene import Instance, Scene
from boxmask.train.data.targets import iou_samples, mask_target, true_iou
from boxmask.window import Window

HEIGHT, WIDTH, SIDE = 50, 70, 16


def scene(box: tuple[float, ...], whole: np.ndarray, *, at: tuple[int, int] = (0, 0)) -> Scene:
    mask = Window(*at, whole[at[1] :, at[0] :].T).trimmed()
    instance = Instance(np.array(box, dtype=np.float64), mask, "one")
    return Scene(np.zeros((HEIGHT, WIDTH, 3), np.uint8), (instance,))


def disc() -> np.ndarray:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    inside: np.ndarray = (x - 30) ** 2 / 400 + (y - 25) ** 2 / 120 < 1
    return inside


def brute_force_target(box: tuple[float, ...], whole: np.ndarray) -> np.ndarray:
    """Sample the whole mask at aligned corners, one value after another."""
    found = np.zeros((SIDE, SIDE))
    x0, y0, x1, y1 = box
    for i in range(SIDE):
        for j in range(SIDE):
            y = (y0 + (y1 - y0) * i / (SIDE - 1)) / HEIGHT * (HEIGHT - 1)
            x = (x0 + (x1 - x0) * j / (SIDE - 1)) / WIDTH * (WIDTH - 1)
            for row in (int(np.floor(y)), int(np.floor(y)) + 1):
                for column in (int(np.floor(x)), int(np.floor(x)) + 1):
                    if 0 <= row < HEIGHT and 0 <= column < WIDTH and whole[row, column]:
                        found[i, j] += (1 - abs(y - row)) * (1 - abs(x - column))
    return found


@pytest.mark.parametrize("box", [(10, 14, 50, 36), (9.6, 13.2, 51.7, 37.9), (0, 0, 70, 50)])
def test_a_target_is_the_mask_sampled_at_aligned_corners(box: tuple[float, ...]) -> None:
    one = scene(box, disc())
    found = mask_target(one, one.instances[0], side=SIDE)
    np.testing.assert_allclose(found, brute_force_target(box, disc()), atol=1e-5)


def test_an_instance_without_a_mask_has_an_empty_target() -> None:
    one = Scene(np.zeros((9, 9, 3), np.uint8), (Instance(np.array([1.0, 1, 5, 5]), None, ""),))
    assert not mask_target(one, one.instances[0], side=SIDE).any()
    assert not iou_samples(one, one.instances[0], side=SIDE, max_pixels=8).bits.any()


@pytest.mark.parametrize(
    "box", [(10, 14, 50, 36), (9.6, 13.2, 51.7, 37.9), (20, 20, 40, 30), (0, 0, 70, 50)]
)
def test_the_true_iou_is_that_of_the_pasted_mask(box: tuple[float, ...]) -> None:
    one, whole = scene(box, disc()), disc()
    logits = np.random.default_rng(3).normal(0.5, 2, (SIDE, SIDE)).astype(np.float32)
    probability = shift_to_best_threshold(torch.from_numpy(logits)[None]).sigmoid()[0].numpy()
    window = paste(probability, box, width=WIDTH, height=HEIGHT)  # type: ignore[arg-type]
    pasted = np.zeros((HEIGHT, WIDTH), bool)
    w, h = window.bits.shape
    pasted[window.y : window.y + h, window.x : window.x + w] = window.bits.T
    expected = (pasted & whole).sum() / (pasted | whole).sum()
    found = true_iou(
        torch.from_numpy(logits)[None], iou_samples(one, one.instances[0], side=SIDE, max_pixels=70)
    )
    assert float(found) == pytest.approx(expected, abs=1e-6)


def test_the_true_iou_of_a_large_box_is_estimated_from_some_of_its_pixels() -> None:
    box = (5.0, 10.0, 55.0, 40.0)
    one = scene(box, disc())
    logits = torch.from_numpy(mask_target(one, one.instances[0], side=SIDE))[None] * 20 - 10
    all_of_it, some = (
        true_iou(logits, iou_samples(one, one.instances[0], side=SIDE, max_pixels=most))
        for most in (70, 24)
    )
    assert float(some) == pytest.approx(float(all_of_it), abs=0.03)
