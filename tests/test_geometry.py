"""Crop, target and paste: one convention, held against `grid_sample` and brute force."""

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mask_files import whole
from torch.nn.functional import grid_sample

from boxmask.geometry import paste, sample_target
from boxmask.models.crop import crop

Box = tuple[float, float, float, float]
Bits = npt.NDArray[np.bool_]
Probability = npt.NDArray[np.float32]


@st.composite
def spans(draw: st.DrawFn, extent: int) -> tuple[float, float]:
    """One side of a box: on the border, on a half pixel, within a pixel, or anything."""
    grid = st.integers(0, 2 * extent).map(lambda half: half / 2)
    low = draw(grid | st.floats(0, extent))
    high = draw(grid | st.floats(0, extent) | st.just(low + 0.01) | st.just(float(extent)))
    low, high = sorted((low, min(high, float(extent))))
    return (low, high) if high > low else (0.0, float(extent))


@st.composite
def scenes(draw: st.DrawFn, longest: int = 24) -> tuple[int, int, Box]:
    """The width and height of an image, and a box inside it."""
    width, height = draw(st.integers(1, longest)), draw(st.integers(1, longest))
    (x0, x1), (y0, y1) = draw(spans(width)), draw(spans(height))
    return width, height, (x0, y0, x1, y1)


@st.composite
def probabilities(draw: st.DrawFn) -> Probability:
    """Masks of any values, and of few round ones that often meet the threshold exactly."""
    side = draw(st.sampled_from([2, 3, 7]))
    values = st.floats(0, 1, width=32) | st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
    return draw(arrays(np.float32, (side, side), elements=values))


def places(low: float, high: float, extent: int, side: int) -> dict[int, float]:
    """Where pixels of the image lie among the M samples of a box, as in the released Deep-MAC."""
    first, last = low / extent, high / extent
    found = {}
    for pixel in range(extent if extent > 1 else 0):
        at = (side - 1) * (pixel / (extent - 1) - first) / max(last - first, 1e-4)
        if 0 <= at <= side - 1:
            found[pixel] = at
    return found or {min(int((low + high) / 2), extent - 1): (side - 1) / 2}


def mix(first: float, second: float, share: float) -> float:
    return first + (second - first) * share


def brute_force(probability: Probability, box: Box, width: int, height: int) -> Bits:
    """Visit each pixel of the image on its own."""
    image = np.zeros((height, width), dtype=np.bool_)
    side = len(probability)
    values = probability.astype(float).tolist()
    for row, y in places(box[1], box[3], height, side).items():
        for column, x in places(box[0], box[2], width, side).items():
            i, j = min(int(y), side - 2), min(int(x), side - 2)
            above = mix(values[i][j], values[i][j + 1], x - j)
            below = mix(values[i + 1][j], values[i + 1][j + 1], x - j)
            image[row, column] = mix(above, below, y - i) > 0.5
    return image


def centre(box: Box, width: int, height: int) -> Bits:
    """The one pixel under the centre of a box."""
    image = np.zeros((height, width), dtype=np.bool_)
    column, row = int((box[0] + box[2]) / 2), int((box[1] + box[3]) / 2)
    image[min(row, height - 1), min(column, width - 1)] = True
    return image


@settings(deadline=None, max_examples=400)
@given(scene=scenes(longest=40), probability=probabilities())
@example(scene=(1, 1, (0.0, 0.0, 1.0, 1.0)), probability=np.ones((7, 7), np.float32))
@example(scene=(1, 9, (0.2, 0.0, 0.9, 9.0)), probability=np.ones((7, 7), np.float32))
@example(scene=(9, 9, (4.5, 4.5, 4.6, 4.6)), probability=np.ones((7, 7), np.float32))
@example(scene=(9, 9, (0.0, 0.0, 9.0, 9.0)), probability=np.full((7, 7), 0.5, np.float32))
def test_paste_is_bit_for_bit_the_brute_force_over_the_whole_image(
    scene: tuple[int, int, Box], probability: Probability
) -> None:
    width, height, box = scene
    expected = brute_force(probability, box, width, height)
    if not expected.any():
        expected = centre(box, width, height)
    window = paste(probability, box, width=width, height=height)
    assert np.array_equal(whole(window, width, height), expected)


@settings(deadline=None, max_examples=100)
@given(scene=scenes(), margin=st.floats(0, 30), probability=probabilities())
def test_paste_clips_a_box_that_leaves_the_image(
    scene: tuple[int, int, Box], margin: float, probability: Probability
) -> None:
    width, height, _ = scene
    beyond = (-margin, -margin, width + margin, height + margin)
    clipped = paste(probability, (0.0, 0.0, width, height), width=width, height=height)
    pasted = paste(probability, beyond, width=width, height=height)
    assert np.array_equal(whole(pasted, width, height), whole(clipped, width, height))


@pytest.mark.parametrize(
    ("box", "x", "y"),
    [((8.2, 0.1, 8.5, 0.4), 8, 0), ((0, 0, 0.3, 0.3), 0, 0), ((8.9, 4.9, 9.0, 5.0), 8, 4)],
)
def test_a_box_smaller_than_a_pixel_is_the_pixel_under_its_centre(box: Box, x: int, y: int) -> None:
    window = paste(np.zeros((32, 32), np.float32), box, width=9, height=5)
    assert np.argwhere(whole(window, 9, 5)).tolist() == [[y, x]]


def test_a_long_box_thinner_than_a_pixel_is_a_whole_column() -> None:
    window = paste(np.ones((32, 32), np.float32), (50.6, 0, 51.2, 80), width=100, height=80)
    column = np.arange(100) == 50
    assert np.array_equal(whole(window, 100, 80), np.broadcast_to(column, (80, 100)))


def test_paste_of_half_everywhere_is_only_the_centre_since_the_threshold_is_strict() -> None:
    window = paste(np.full((32, 32), 0.5, np.float32), (2, 2, 8, 8), width=10, height=10)
    assert np.argwhere(whole(window, 10, 10)).tolist() == [[5, 5]]


@pytest.mark.parametrize(
    "box",
    [(10.3, 20.7, 3990.1, 21.9), (1999.5, 0, 2001.4, 3000), (0, 0, 4000, 3000), (10, 10, 70, 70)],
)
def test_paste_agrees_with_grid_sample_on_twelve_megapixels(box: Box) -> None:
    width, height = 4000, 3000
    probability = np.random.default_rng(0).random((32, 32), dtype=np.float32)
    low, span = np.array(box[:2]), np.array(box[2:]) - box[:2]
    window = paste(probability, box, width=width, height=height)
    w, h = window.bits.shape
    x = (np.arange(window.x, window.x + w) / (width - 1) * width - low[0]) / span[0]
    y = (np.arange(window.y, window.y + h) / (height - 1) * height - low[1]) / span[1]
    grid = torch.stack(torch.meshgrid(torch.tensor(y), torch.tensor(x), indexing="ij")[::-1], -1)
    source = torch.tensor(probability, dtype=torch.float64)[None, None]
    sampled = grid_sample(source, 2 * grid[None] - 1, align_corners=True)[0, 0].numpy()
    sampled[abs(y - 0.5) > 0.5] = 0
    sampled[:, abs(x - 0.5) > 0.5] = 0
    clear = abs(sampled - 0.5) > 1e-9
    assert ((sampled > 0.5) == window.bits.T)[clear].all()
    assert clear.mean() > 0.999


def reference_crop(image: torch.Tensor, box: torch.Tensor, size: int) -> torch.Tensor:
    """Crop one map (C, H, W) at one box, in fractions, with `grid_sample`."""
    x = torch.linspace(0, 1, size, dtype=box.dtype) * (box[2] - box[0]) + box[0]
    y = torch.linspace(0, 1, size, dtype=box.dtype) * (box[3] - box[1]) + box[1]
    grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], dim=-1)
    return grid_sample(image[None], 2 * grid[None] - 1, align_corners=True)[0]


def test_crop_of_a_ramp_is_the_ramp_at_even_steps() -> None:
    ramp = torch.arange(41.0)[:, None].expand(41, 30)[None, None]
    boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    crops = crop(ramp, boxes, index=torch.zeros(1, dtype=torch.int64), size=32)
    expected = torch.linspace(0, 40, 32)[:, None].expand(32, 32)
    assert torch.allclose(crops[0, 0], expected, atol=1e-5)


@settings(deadline=None, max_examples=100)
@given(
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    corners=st.lists(st.tuples(*[st.floats(-0.5, 1.5, width=32)] * 4), min_size=1, max_size=4),
    side=st.integers(2, 9),
)
def test_crop_is_grid_sample_with_aligned_corners_and_zeros_outside(
    size: tuple[int, int], corners: list[Box], side: int
) -> None:
    maps = torch.rand(3, 2, *size, generator=torch.Generator().manual_seed(0))
    boxes = torch.tensor([(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in corners])
    index = torch.arange(len(boxes)) % 3
    crops = crop(maps, boxes, index=index, size=side)
    for k in range(len(boxes)):
        expected = reference_crop(maps[index[k]].double(), boxes[k].double(), side)
        assert torch.allclose(crops[k].double(), expected, atol=1e-4)


def test_crop_passes_gradients_to_the_maps_as_grid_sample_does() -> None:
    maps = torch.rand(2, 3, 9, 11, requires_grad=True)
    boxes = torch.tensor([[0.1, 0.2, 0.9, 0.7], [0.0, 0.0, 1.0, 1.0]])
    weights = torch.rand(2, 3, 5, 5)
    crops = crop(maps, boxes, index=torch.tensor([1, 0]), size=5)
    (found,) = torch.autograd.grad((crops * weights).sum(), maps)
    references = [reference_crop(maps[1], boxes[0], 5), reference_crop(maps[0], boxes[1], 5)]
    (expected,) = torch.autograd.grad((torch.stack(references) * weights).sum(), maps)
    assert torch.allclose(found, expected, atol=1e-4)


def test_crop_of_no_boxes_is_empty() -> None:
    crops = crop(
        torch.rand(1, 4, 8, 8), torch.zeros(0, 4), index=torch.zeros(0, dtype=torch.int64), size=6
    )
    assert crops.shape == (0, 4, 6, 6)


@settings(deadline=None, max_examples=100)
@given(scene=scenes(), seed=st.integers(0, 99), side=st.integers(2, 9))
def test_a_target_is_the_crop_of_the_mask(
    scene: tuple[int, int, Box], seed: int, side: int
) -> None:
    width, height, box = scene
    mask = np.random.default_rng(seed).random((height, width)) < 0.5
    target = sample_target(mask, (0, 0), box=box, width=width, height=height, size=side)
    fractions = torch.tensor(box) / torch.tensor([width, height, width, height])
    maps = torch.tensor(mask, dtype=torch.float32)[None, None]
    expected = crop(maps, fractions[None], index=torch.zeros(1, dtype=torch.int64), size=side)
    assert target.dtype == np.float32
    assert np.allclose(target, expected[0, 0].numpy(), atol=1e-4)


@settings(deadline=None, max_examples=100)
@given(scene=scenes(), seed=st.integers(0, 99))
def test_a_target_needs_only_the_pixels_around_the_box(
    scene: tuple[int, int, Box], seed: int
) -> None:
    width, height, box = scene
    mask = np.random.default_rng(seed).random((height, width)) < 0.5
    x, y = max(math.floor(box[0]) - 1, 0), max(math.floor(box[1]) - 1, 0)
    part = mask[y : math.ceil(box[3]) + 1, x : math.ceil(box[2]) + 1]
    size = {"width": width, "height": height, "size": 8}
    assert np.array_equal(
        sample_target(part, (x, y), box=box, **size), sample_target(mask, (0, 0), box=box, **size)
    )


@pytest.mark.parametrize(("side", "ceiling"), [(32, 0.98), (64, 0.99)])
def test_a_mask_that_is_cropped_and_pasted_again_stays_nearly_itself(
    side: int, ceiling: float
) -> None:
    random = np.random.default_rng(1)
    rows, columns = np.mgrid[:240, :320]
    overlaps = []
    for k in range(80):
        w, h = random.uniform(20, 150, 2)
        x, y = random.uniform(0, 320 - w), random.uniform(0, 240 - h)
        across, down = (columns + 0.5 - x) / w * 2 - 1, (rows + 0.5 - y) / h * 2 - 1
        mask = np.hypot(across, down) <= 1 if k % 2 else np.maximum(abs(across), abs(down)) <= 1
        found_x, found_y = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
        box = (found_x[0], found_y[0], found_x[-1] + 1, found_y[-1] + 1)
        target = sample_target(mask, (0, 0), box=box, width=320, height=240, size=side)
        again = whole(paste(target, box, width=320, height=240), 320, 240)
        overlaps.append((mask & again).sum() / (mask | again).sum())
    assert np.mean(overlaps) > ceiling
