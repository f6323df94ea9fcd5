"""CenterNet: the published targets, losses and sizes, and boxes that come back as they went in."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_networks import SMALL
from torch import Tensor

from boxmask.errors import ConfigError
from boxmask.models import build
from boxmask.models.cost import count_parameters
from boxmask.models.detectors import DETECTORS, DetectorSizes, Truth
from boxmask.models.detectors.center_targets import center_targets, peaks, radii, spreads
from boxmask.models.detectors.centernet import (
    CenterHeads,
    CenterMaps,
    CenterNet,
    center_losses,
    penalty_reduced_focal,
)

SIDE = 32  # cells of the map
MARC = replace(SMALL, family="deepmarc", backbone="resnet50-fpn", mask_size=64)


def truth(boxes: list[list[float]], labels: list[int], *, views: int = 1) -> Truth:
    """Boxes in cells of the map, all on the first view."""
    count = len(boxes)
    return Truth(
        torch.tensor(boxes).reshape(-1, 4) / SIDE,
        torch.tensor(labels, dtype=torch.int64),
        torch.zeros(count, dtype=torch.int64),
        torch.ones(views, 2),
    )


def targets_of(boxes: list[list[float]], labels: list[int]) -> CenterMaps:
    """Maps that say exactly what they should, with probabilities for logits."""
    found = center_targets(truth(boxes, labels), classes=3, height=SIDE, width=SIDE)
    view, row, column = found.cells
    size, offset = torch.zeros(1, 2, SIDE, SIDE), torch.zeros(1, 2, SIDE, SIDE)
    size[view, :, row, column], offset[view, :, row, column] = found.sizes, found.offsets
    return CenterMaps(found.heatmap, size, offset)


@pytest.mark.parametrize(
    ("height", "width", "radius", "spread"),
    [
        (10, 10, 2.733, 0.8333),
        (20, 20, 5.466, 1.8333),
        (50, 20, 7.930, 2.5),
        (64, 64, 17.492, 5.8333),
    ],
)
def test_the_gaussians_are_as_wide_as_published(
    height: float, width: float, radius: float, spread: float
) -> None:
    sizes = torch.tensor([[height, width]], dtype=torch.float64)
    assert float(radii(sizes)) == pytest.approx(radius, abs=5e-4)
    assert float(spreads(sizes)) == pytest.approx(spread, abs=5e-5)


def test_a_box_has_one_cell_of_one_and_a_gaussian_around_it() -> None:
    heatmap = targets_of([[4, 6, 14, 16]], [1]).heatmap[0]
    assert heatmap[1, 11, 9] == 1
    assert int((heatmap == 1).sum()) == 1
    assert not heatmap[[0, 2]].any()
    assert float(heatmap[1, 13, 10]) == pytest.approx(math.exp(-5 / (2 * 0.83333**2)), abs=1e-5)


def test_where_gaussians_of_a_class_meet_the_higher_one_counts() -> None:
    boxes = [[2.0, 2.0, 22.0, 22.0], [4.0, 4.0, 24.0, 24.0]]
    both = targets_of(boxes, [0, 0]).heatmap
    each = [targets_of([box], [0]).heatmap for box in boxes]
    assert torch.equal(both, torch.maximum(*each))


def test_boxes_come_back_from_their_targets() -> None:
    random = np.random.default_rng(0)
    low = random.uniform(0, 20, (12, 2))
    boxes = np.concatenate([low, low + random.uniform(1, 11, (12, 2))], axis=1)
    labels = random.integers(0, 3, 12).tolist()
    maps = targets_of(boxes.tolist(), labels)
    found = peaks(maps.heatmap, maps.size, maps.offset, most=12)
    order = np.lexsort((*boxes.T, labels))
    back = (found.boxes * SIDE).numpy()
    again = np.lexsort((*back.T.round(3), found.labels.numpy()))
    np.testing.assert_allclose(back[again], boxes[order], atol=1e-4)
    assert found.labels[again.copy()].tolist() == [labels[k] for k in order]
    assert (found.scores == 1).all()


def test_every_cell_of_a_square_around_a_centre_says_the_box() -> None:
    boxes = truth([[4, 6, 14, 16], [0, 0, 1, 3]], [1, 0])
    one, nine = (
        center_targets(boxes, classes=3, height=SIDE, width=SIDE, square=square)
        for square in (1, 3)
    )
    assert torch.equal(nine.heatmap, one.heatmap) and one.boxes == nine.boxes == 2
    _, row, column = nine.cells
    centres = torch.stack([row, column], dim=1) + nine.offsets
    whose = (centres == torch.tensor([11.0, 9])).all(dim=1)
    assert torch.equal(centres[~whose], torch.tensor([[1.5, 0.5]]).expand(6, 2))  # at the border
    assert int(whose.sum()) == 9 and set(row[whose].tolist()) == {10, 11, 12}
    assert nine.sizes[whose].tolist() == [[10, 10]] * 9
    maps = CenterMaps(*(torch.zeros(1, n, SIDE, SIDE) for n in (3, 2, 2)))
    found = center_losses(maps, nine)
    assert float(found["size"]) == pytest.approx((20 + 4) / 2)  # of each box as much
    assert torch.equal(found["heatmap"], center_losses(maps, one)["heatmap"])


def test_a_network_has_the_square_and_the_layers_of_its_config() -> None:
    config = replace(SMALL, family="deepmac", image_size=64, detector="centernet")
    config = replace(config, center_square=3, center_layers=2, classes=("a",), class_ids=(1,))
    detector = build(config).detector
    assert isinstance(detector, CenterNet) and detector.square == 3
    (heads,) = detector.stages
    assert isinstance(heads, CenterHeads)
    kinds = [type(part).__name__ for part in heads.size]
    assert kinds == [*["Conv2d", "BatchNorm2d", "ReLU"] * 2, "Conv2d"]
    found = heads(torch.rand(2, config.feature_channels, 8, 8)).heatmap.detach()
    assert float(found.sigmoid().mean()) == pytest.approx(0.1, abs=0.01)
    for wrong, why in ((2, "give an odd number"), (65, "give 63 or less")):
        with pytest.raises(ConfigError, match=f"center_square is {wrong}; {why}"):
            replace(config, center_square=wrong)


def test_equal_peaks_side_by_side_both_count_and_lower_neighbours_do_not() -> None:
    heatmap = torch.zeros(1, 1, 8, 8)
    heatmap[0, 0, 3, 3] = heatmap[0, 0, 3, 4] = 0.9
    heatmap[0, 0, 4, 5], heatmap[0, 0, 6, 0] = 0.8, 0.2
    zeros = torch.zeros(1, 2, 8, 8)
    found = peaks(heatmap, zeros, zeros, most=4)
    assert found.scores.tolist() == pytest.approx([0.9, 0.9, 0.2, 0.0])


def test_the_focal_loss_is_as_published() -> None:
    p = torch.tensor([0.3, 0.3, 0.3])
    target = torch.tensor([1.0, 0.6, 0.0])
    found = penalty_reduced_focal(p.logit(), target)
    wanted = [-(0.7**2) * math.log(0.3), -(0.4**4) * 0.09 * math.log(0.7), -0.09 * math.log(0.7)]
    torch.testing.assert_close(found, torch.tensor(wanted))


def test_losses_are_divided_by_boxes_and_the_padding_counts_for_nothing() -> None:
    boxes = truth([[4, 6, 14, 16], [20, 2, 26, 12]], [0, 1])
    half = replace(boxes, extents=torch.tensor([[1.0, 0.5]]))
    maps = CenterMaps(*(torch.zeros(1, n, SIDE, SIDE) for n in (3, 2, 2)))
    found = [
        center_losses(maps, center_targets(one, classes=3, height=SIDE, width=SIDE))
        for one in (boxes, half)
    ]
    assert float(found[0]["size"]) == pytest.approx((10 + 10 + 6 + 10) / 2)
    assert float(found[0]["offset"]) == pytest.approx(0)
    below = penalty_reduced_focal(torch.zeros(3, 16, SIDE), torch.zeros(3, 16, SIDE)).sum() / 2
    lost = found[0]["heatmap"] - found[1]["heatmap"]
    assert float(lost) == pytest.approx(float(below), rel=0.02)  # Gaussians reach down a little


def test_the_heads_have_as_many_weights_as_published() -> None:
    heads = CenterHeads(DetectorSizes(channels=256, stages=1, classes=90, hidden=256))
    assert count_parameters(heads.heatmap) == 613_210
    assert count_parameters(heads.size) == count_parameters(heads.offset) == 590_594
    bias = heads.heatmap[-1].bias
    assert isinstance(bias, Tensor)
    assert bias.tolist() == pytest.approx([-2.19] * 90)


def test_an_unknown_detector_lists_the_known_and_a_misplaced_one_says_where_it_belongs() -> None:
    whole = replace(SMALL, family="deepmac", image_size=64)
    with pytest.raises(ConfigError, match=f"known detectors: .*{sorted(DETECTORS)[0]}"):
        build(replace(whole, detector="yolo"))
    with pytest.raises(ConfigError, match="family deepmac, not deepmarc"):
        build(
            replace(
                SMALL,
                family="deepmarc",
                backbone="resnet50-fpn",
                mask_size=64,
                detector="centernet",
            )
        )
    with pytest.raises(ConfigError, match="family deepmac, not zoom"):
        build(replace(SMALL, detector="centernet"))
    with pytest.raises(ConfigError, match="1 classes and 0 class_ids"):
        build(replace(whole, detector="centernet", classes=("dog",)))
