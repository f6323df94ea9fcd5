"""Masks that span a frame: sampling and pasting, against brute force and by round trips."""

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from boxmask.geometry import paste_frame_runs, sample_frame
from boxmask.models.threshold import shift_to_best_threshold
from boxmask.rle import runs_window
from boxmask.train.data.scene import Instance, Scene
from boxmask.train.data.targets import Span, iou_samples, mask_target, true_iou
from boxmask.window import Window

Bits = npt.NDArray[np.bool_]
Box = tuple[float, float, float, float]

HEIGHT, WIDTH, SIDE = 50, 70, 16

boxes = st.tuples(st.floats(-20, 60), st.floats(-20, 40), st.floats(1, 90), st.floats(1, 70)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
inside = st.tuples(
    st.floats(0, 60), st.floats(0, 40), st.floats(0.01, 10), st.floats(0.01, 10)
).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))


def pasted(probability: npt.NDArray[np.float32], frame: Box, clip: Box) -> Bits:
    """The pasted mask in the whole image (H, W)."""
    counts = paste_frame_runs(probability, frame, clip=clip, width=WIDTH, height=HEIGHT)
    whole = (0.0, 0.0, float(WIDTH), float(HEIGHT))
    return runs_window(counts, width=WIDTH, height=HEIGHT, box=whole).bits.T


def chosen(low: float, high: float, extent: int) -> Bits:
    """The pixels along an axis whose middles lie in the clip, or the one under its centre."""
    middles = np.arange(extent) + 0.5
    found: Bits = (middles >= low) & (middles <= high)
    if not found.any():
        found[int((max(low, 0) + min(high, extent)) / 2)] = True
    return found


def brute_force(probability: npt.NDArray[np.float32], frame: Box, clip: Box) -> Bits:
    """Sample the mask at the middle of every pixel inside the clip, one after another."""
    found = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
    x0, y0, x1, y1 = frame
    for row in np.flatnonzero(chosen(clip[1], clip[3], HEIGHT)).tolist():
        for column in np.flatnonzero(chosen(clip[0], clip[2], WIDTH)).tolist():
            x, y = column + 0.5, row + 0.5
            u = min(max((x - x0) / (x1 - x0) * SIDE - 0.5, 0), SIDE - 1)
            v = min(max((y - y0) / (y1 - y0) * SIDE - 0.5, 0), SIDE - 1)
            i, j = min(int(v), SIDE - 2), min(int(u), SIDE - 2)
            a, b = v - i, u - j
            corner = probability[i : i + 2, j : j + 2].astype(np.float64)
            column_values = corner[:, 0] + (corner[:, 1] - corner[:, 0]) * b
            value = column_values[0] + (column_values[1] - column_values[0]) * a
            found[row, column] = value > 0.5
    if not found.any():
        left, right = max(clip[0], 0), min(clip[2], WIDTH)
        top, bottom = max(clip[1], 0), min(clip[3], HEIGHT)
        found[int((top + bottom) / 2), int((left + right) / 2)] = True
    return found


@settings(deadline=None, max_examples=80)
@given(frame=boxes, clip=inside, seed=st.integers(0, 99))
def test_pasting_a_frame_is_the_brute_force(frame: Box, clip: Box, seed: int) -> None:
    probability = np.random.default_rng(seed).random((SIDE, SIDE)).astype(np.float32)
    one, other = pasted(probability, frame, clip), brute_force(probability, frame, clip)
    # A value of a half to the last bit may fall either way.
    assert (one != other).sum() <= 1
    assert one.any()


@settings(deadline=None, max_examples=60)
@given(clip=inside)
def test_a_full_mask_is_the_pixels_whose_middles_lie_in_the_clip(clip: Box) -> None:
    full = np.ones((SIDE, SIDE), dtype=np.float32)
    wanted = chosen(clip[1], clip[3], HEIGHT)[:, None] & chosen(clip[0], clip[2], WIDTH)
    assert np.array_equal(pasted(full, (-5, -5, 90, 70), clip), wanted)


def disc() -> Bits:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    within: Bits = (x - 30) ** 2 / 400 + (y - 25) ** 2 / 120 < 1
    return within


@pytest.mark.parametrize("frame", [(2.0, 5.0, 58.0, 45.0), (-9.5, -3.25, 71.0, 61.0)])
def test_a_target_is_the_mask_at_the_middles_of_the_cells(frame: Box) -> None:
    found = sample_frame(disc(), (0, 0), frame=frame, size=SIDE)
    padded = np.pad(disc(), 30).astype(float)
    for i in range(SIDE):
        for j in range(SIDE):
            y = frame[1] + (frame[3] - frame[1]) * (i + 0.5) / SIDE - 0.5 + 30
            x = frame[0] + (frame[2] - frame[0]) * (j + 0.5) / SIDE - 0.5 + 30
            a, b = y - math.floor(y), x - math.floor(x)
            corner = padded[math.floor(y) : math.floor(y) + 2, math.floor(x) : math.floor(x) + 2]
            wanted = (corner * np.outer([1 - a, a], [1 - b, b])).sum()
            assert found[i, j] == pytest.approx(wanted, abs=1e-5)


@settings(deadline=None, max_examples=40)
@given(frame=st.tuples(st.floats(-8, 8), st.floats(2, 12), st.floats(52, 75), st.floats(38, 50)))
def test_a_mask_that_is_sampled_and_pasted_again_stays_nearly_itself(frame: Box) -> None:
    probability = sample_frame(disc(), (0, 0), frame=frame, size=64)
    back = pasted(probability, frame, (0, 0, WIDTH, HEIGHT))
    assert (back & disc()).sum() / (back | disc()).sum() > 0.97


@pytest.mark.parametrize("clip", [(10.0, 14.0, 50.0, 36.0), (12.5, 16.25, 44.0, 30.5)])
@pytest.mark.parametrize("whole", [False, True])
def test_the_true_iou_of_a_window_mask_is_that_of_the_pasted_one(clip: Box, whole: bool) -> None:
    frame = np.array([2.0, 9.6, 58.0, 40.4])
    mask = Window(0, 0, disc().T).trimmed()
    instance = Instance(np.array([10.0, 14, 50, 36]), mask, "one")
    scene = Scene(np.zeros((HEIGHT, WIDTH, 3), np.uint8), (instance,))
    span = Span(frame, frame if whole else np.array(clip))
    logits = np.random.default_rng(3).normal(0.5, 2, (SIDE, SIDE)).astype(np.float32)
    probability = shift_to_best_threshold(torch.from_numpy(logits)[None]).sigmoid()[0].numpy()
    found = pasted(probability, tuple(frame), tuple(span.clip))
    wanted = (found & disc()).sum() / (found | disc()).sum()
    measured = true_iou(
        torch.from_numpy(logits)[None],
        iou_samples(scene, instance, side=SIDE, max_pixels=70, span=span),
    )
    assert float(measured) == pytest.approx(wanted, abs=1e-6)
    assert mask_target(scene, instance, side=SIDE, span=span).shape == (SIDE, SIDE)
