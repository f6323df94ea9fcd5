"""The detectors on a pyramid: torchvision's parts in our frames, and what they cost."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_networks import SMALL
from torch import Tensor
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.ops import box_iou

from boxmask.errors import ConfigError
from boxmask.models import MaskNetwork, ModelConfig, build
from boxmask.models.cost import count_parameters, network_cost
from boxmask.models.detectors import DETECTORS, Detector, DetectorSizes, Truth, build_detector
from boxmask.models.detectors.cascade import CascadeRCNN
from boxmask.models.detectors.faster_rcnn import FasterRCNN
from boxmask.models.detectors.fcos import FCOSDetector
from boxmask.models.detectors.torchvision_forms import PixelFrame
from boxmask.models.views import Views, cut_views

STRIDES = (4, 8, 16, 32, 64)
PUBLISHED = DetectorSizes(channels=256, stages=1, classes=80, hidden=256, strides=STRIDES)
PYRAMID = sorted(name for name, one in DETECTORS.items() if one.family == "deepmarc")
EVERY = sorted(DETECTORS)
_STEPS = {"cascade": 20, "centernet": 40, "faster-rcnn": 30, "fcos": 30}  # that are enough


def config_of(name: str, *, side: int = 128) -> ModelConfig:
    """A small config with a detector of two classes."""
    return replace(
        SMALL,
        family=DETECTORS[name].family,
        detector=name,
        classes=("a", "b"),
        class_ids=(1, 2),
        feature_channels=32 * 128 // side,
        image_size=side,
        mask_size=64,
    )


def network_of(name: str, *, side: int = 128) -> MaskNetwork:
    torch.manual_seed(0)
    return build(config_of(name, side=side))


def picture(name: str, *, side: int = 128) -> tuple[Views, Truth]:
    """A picture of two bright rectangles, wider than high, and the truth about them."""
    pixels = np.random.default_rng(0).integers(0, 40, (90, 120, 3)).astype(np.uint8)
    boxes = np.array([[10, 10, 50, 60], [60, 30, 110, 80]], dtype=np.float64)
    colours = ((250, 60, 60), (60, 60, 250))
    for (x0, y0, x1, y1), colour in zip(boxes.astype(int), colours, strict=True):
        pixels[y0:y1, x0:x1] = colour
    views = cut_views(
        config_of(name, side=side), pixels, np.concatenate([boxes, [[0, 0, 120, 90]]])
    )
    truth = Truth(views.boxes[:2], torch.tensor([0, 1]), views.index[:2], views.boxes[2:, 2:])
    return views, truth


def test_the_published_sizes() -> None:
    faster, fcos = FasterRCNN(PUBLISHED), FCOSDetector(PUBLISHED)
    assert count_parameters(faster.rpn) == 593_935
    assert count_parameters(faster.boxes.box_head) == 13_895_680
    assert count_parameters(faster.boxes.box_predictor) == 83_025 + 332_100
    # torchvision's has no scale for each level, of which the published one has five.
    assert count_parameters(fcos.fcos.head) == 4_920_666 - 5
    for head in CascadeRCNN(PUBLISHED).heads:
        assert count_parameters(head) == 13_982_805


@pytest.mark.parametrize("name", EVERY)
def test_what_is_found_lies_in_order_and_names_its_view_and_class(name: str) -> None:
    network = network_of(name).eval()
    views, truth = picture(name)
    both = Views.join([views, views])
    with torch.no_grad():
        found = network.detect(both, truth.extents.repeat(2, 1))
    assert set(found.views.tolist()) <= {0, 1}
    assert found.views.tolist() == sorted(found.views.tolist())
    assert set(found.labels.tolist()) <= {0, 1}
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    for view in (0, 1):
        scores = found.scores[found.views == view].tolist()
        assert scores == sorted(scores, reverse=True) and len(scores) <= 100
    alike = [found.boxes[found.views == view] for view in (0, 1)]
    torch.testing.assert_close(alike[0], alike[1], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("name", PYRAMID)
def test_boxes_are_cut_to_the_image_and_not_to_its_padding(name: str) -> None:
    network = network_of(name).eval()
    views, truth = picture(name)
    with torch.no_grad():
        found = network.detect(views, truth.extents)
    assert truth.extents[0].tolist() == pytest.approx([1.0, 0.75])
    assert len(found.boxes)
    assert found.boxes[:, 3].max() <= 0.75 + 1e-6


@pytest.mark.parametrize("name", EVERY)
def test_a_detector_learns_a_picture_by_heart(name: str) -> None:
    network = network_of(name, side=64).train()
    views, truth = picture(name, side=64)
    for part in network.modules():
        if isinstance(part, RoIHeads):
            part.fg_bg_sampler.batch_size_per_image = 32  # as many say the same of two objects
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(_STEPS[name]):
        optimiser.zero_grad()
        found = network(replace(views, boxes=views.boxes[:2], index=views.index[:2]), truth=truth)
        torch.autograd.backward(torch.stack(list(found.detection.values())).sum())
        optimiser.step()
    network.eval()
    for norm in network.modules():  # of one picture, its own statistics are the right ones
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.train()
    with torch.no_grad():
        detected = network.detect(views, truth.extents)
    ious = box_iou(truth.boxes, detected.boxes)
    right = truth.labels[:, None] == detected.labels
    best = (ious * right * (detected.scores > 0.3)).amax(dim=1)
    assert (best > 0.6).all(), best


def test_fcos_says_which_channels_it_can_have() -> None:
    with pytest.raises(ConfigError, match="feature_channels is 40; fcos needs a multiple of 32"):
        build(replace(config_of("fcos"), feature_channels=40))


@pytest.mark.parametrize(("stride", "found"), [(8, False), (4, True)])
def test_a_finer_level_gives_small_objects_a_cell_to_learn_at(stride: int, found: bool) -> None:
    sizes = DetectorSizes(64, 1, classes=2, hidden=8, strides=STRIDES, finest=stride)
    detector = FCOSDetector(sizes).train()
    levels = [torch.randn(1, 64, max(1, 32 >> k), max(1, 32 >> k)) for k in range(5)]
    # 6 pixels of 128, between the middles of cells of stride 8.
    box = torch.tensor([[33.0, 33.0, 39.0, 39.0]]) / 128
    where = torch.tensor([0])
    losses, _ = detector.learn([levels], Truth(box, where, where, torch.ones(1, 2)))
    assert (float(losses["box"].detach()) > 0) == found


def test_truth_goes_to_pixels_and_back() -> None:
    extents = torch.tensor([[1.0, 0.5], [0.25, 1.0]])
    frame = PixelFrame.of(torch.zeros(2, 8, 32, 64), 4, extents)
    assert frame.sides == (128, 256)
    assert frame.images.image_sizes == [(64.0, 256.0), (128.0, 64.0)]
    boxes = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.0, 0.0, 0.25, 1.0], [0.5, 0.5, 0.5, 0.7]])
    truth = Truth(boxes, torch.tensor([1, 0, 1]), torch.tensor([0, 1, 1]), extents)
    first, second = frame.targets(truth, first=1)
    torch.testing.assert_close(first["boxes"], torch.tensor([[25.6, 25.6, 76.8, 51.2]]))
    assert first["labels"].tolist() == [2]
    assert len(second["boxes"]) == 1  # the other has no area
    found = [one | {"scores": torch.ones(1)} for one in (first, second)]
    back = frame.detections(found, first=1)
    torch.testing.assert_close(back.boxes, boxes[:2])
    assert (back.labels.tolist(), back.views.tolist()) == ([1, 0], [0, 1])


@pytest.mark.parametrize("name", EVERY)
def test_a_detector_costs_the_same_whatever_is_in_the_image(name: str) -> None:
    without = network_cost(replace(config_of(name), detector=None))
    cost = network_cost(config_of(name))
    assert cost.per_image > without.per_image
    assert cost.per_box == without.per_box
    detector = network_of(name).detector
    assert isinstance(detector, Detector)
    assert cost.parameters == without.parameters + count_parameters(detector)


@pytest.mark.parametrize("name", PYRAMID)
def test_a_pyramid_may_begin_at_another_stride(name: str) -> None:
    sizes = DetectorSizes(64, 1, classes=2, hidden=8, strides=(8, 16, 32, 64, 128))
    detector = build_detector(name, "deepmarc", sizes).eval()
    levels = [torch.randn(1, 64, max(1, 16 >> k), max(1, 16 >> k)) for k in range(5)]
    with torch.no_grad():
        found = detector.detect(levels, torch.ones(1, 2))
    assert found.boxes.max() <= 1 + 1e-6


def test_a_head_of_the_cascade_sees_the_boxes_of_the_one_before() -> None:
    torch.manual_seed(0)
    sizes = DetectorSizes(channels=8, stages=1, classes=2, hidden=4, strides=STRIDES)
    detector = build_detector("cascade", "deepmarc", sizes).eval()
    assert isinstance(detector, CascadeRCNN)
    levels = [torch.randn(1, 8, 32 >> k, 32 >> k) for k in range(4)]
    levels.append(levels[-1][..., ::2, ::2])

    def found() -> Tensor:
        with torch.no_grad():
            return detector.detect(levels, torch.ones(1, 2)).boxes

    before = found()
    with torch.no_grad():
        detector.heads[0].box_predictor.bbox_pred.bias += 1  # type: ignore[union-attr,operator]
    after = found()
    assert before.shape != after.shape or not torch.allclose(before, after)
