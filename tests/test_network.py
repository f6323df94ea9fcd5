"""The network: every family predicts masks and their quality, and its parts do what they say."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_networks import SMALL
from torch import Tensor
from torchvision.ops import MultiScaleRoIAlign

from boxmask.errors import ConfigError
from boxmask.models import MaskNetwork, ModelConfig, Views, build, cut_views
from boxmask.models.norm import HourglassNorm, ResidualNorm
from boxmask.models.quality import QualityHead, estimated_iou_logit
from boxmask.models.regions import EmbeddingRegion, PyramidRegion, coordinates, levels_of

STRIDES = (4, 8, 16, 32, 64)
MARC = ModelConfig(
    family="deepmarc", backbone="resnet50-fpn", head_channels=4, image_size=64, mask_size=64
)
CONFIGS = {
    "zoom": SMALL,
    "zoom at 64": replace(SMALL, mask_size=64),
    "zoom without quality": replace(SMALL, quality=False),
    "deepmac": replace(SMALL, family="deepmac", image_size=128),
    "deepmac on resnet": replace(SMALL, family="deepmac", backbone="resnet50-fpn", image_size=64),
    "deepmac, dense head": replace(SMALL, family="deepmac", head="fc2", image_size=64),
    "deepmac, pixels only": replace(
        SMALL, family="deepmac", use_coordinates=False, use_instance=False, image_size=64
    ),
    "deepmarc": MARC,
    "deepmarc default": replace(MARC, head="fcn", crop_size=14, mask_size=28),
}


def views_of(config: ModelConfig, *, count: int = 5, seed: int = 0) -> Views:
    """Views of `count` boxes on two images."""
    rng = np.random.default_rng(seed)
    parts = []
    for share in (count // 2, count - count // 2):
        image = rng.integers(0, 256, (50, 70, 3), dtype=np.uint8)
        low = rng.uniform(0, 30, (share, 2))
        parts.append(cut_views(config, image, np.concatenate([low, low + 18], axis=1)))
    return Views.join(parts)


def network_of(config: ModelConfig) -> MaskNetwork:
    """A network in evaluation mode, the same at every call."""
    torch.manual_seed(0)
    return build(config).eval()


@pytest.mark.parametrize("name", CONFIGS)
def test_every_family_answers_with_a_mask_and_its_quality(name: str) -> None:
    config = CONFIGS[name]
    with torch.no_grad():
        prediction = network_of(config)(views_of(config))
    assert prediction.logits.shape == (5, config.mask_size, config.mask_size)
    assert prediction.quality.shape == (5,)
    assert prediction.quality.min() >= 0
    assert prediction.quality.max() <= 1
    assert torch.equal(prediction.quality_logits.sigmoid(), prediction.quality)
    assert prediction.auxiliary == ()


@pytest.mark.parametrize("name", CONFIGS)
def test_chunks_change_nothing(name: str) -> None:
    network, views = network_of(CONFIGS[name]), views_of(CONFIGS[name])
    with torch.no_grad():
        whole, chunked = network(views), network(views, box_chunk=2)
    assert torch.allclose(whole.logits, chunked.logits, rtol=1e-4, atol=1e-3)
    assert torch.allclose(whole.quality, chunked.quality, atol=1e-5)


@pytest.mark.parametrize("name", ["zoom", "deepmac", "deepmarc"])
def test_no_boxes_give_no_masks_and_zero_gradients(name: str) -> None:
    config = CONFIGS[name]
    network = network_of(config).train()
    views = cut_views(config, np.zeros((9, 9, 3), dtype=np.uint8), np.zeros((0, 4)))
    prediction = network(views)
    assert prediction.logits.shape == (0, config.mask_size, config.mask_size)
    assert prediction.quality.shape == (0,)
    (prediction.logits.sum() + prediction.quality.sum()).backward()
    assert all(p.grad is None or not p.grad.any() for p in network.parameters())


@pytest.mark.parametrize("name", ["zoom", "deepmac", "deepmarc"])
def test_every_mask_parameter_learns_from_the_masks(name: str) -> None:
    network = network_of(replace(CONFIGS[name], quality=False)).train()
    network(views_of(network.config)).logits.square().sum().backward()
    idle = [key for key, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    # Boxes this small lie on the finest level; what is the others' own stays idle.
    own = re.compile(r"backbone\.join\.((smooths|norms)\.[1-4]|coarser)\.")
    assert [key for key in idle if not own.match(key)] == []


def test_quality_does_not_disturb_the_mask() -> None:
    network = network_of(SMALL).train()
    network(views_of(SMALL)).quality_logits.sum().backward()
    moved = {key.split(".")[0] for key, p in network.named_parameters() if p.grad is not None}
    assert moved == {"quality"}


def test_bfloat16_autocast_answers_in_float32_and_nearly_the_same() -> None:
    network, views = network_of(SMALL), views_of(SMALL)
    with torch.no_grad():
        exact = network(views)
        with torch.autocast("cpu", torch.bfloat16):
            rough = network(views)
    assert rough.logits.dtype == rough.quality.dtype == torch.float32
    assert torch.allclose(exact.logits, rough.logits, atol=0.1)


def test_stacked_backbones_train_every_stage_and_predict_by_the_last() -> None:
    config = replace(SMALL, family="deepmac", backbone="hourglass104", image_size=128)
    with torch.device("meta"):
        network = build(config)
        pixels = torch.empty(1, 3, 128, 128, dtype=torch.uint8)
        views = Views(pixels, torch.empty(3, 4), torch.empty(3, dtype=torch.int64))
        prediction = network(views)
        assert len(network.branches) == 2
        assert [stage.shape for stage in prediction.auxiliary] == [(3, 32, 32)]
        assert network.eval()(views).auxiliary == ()


def test_instance_vectors_are_those_of_the_whole_map() -> None:
    torch.manual_seed(0)
    region = EmbeddingRegion(SMALL, 6)
    assert region.instance is not None
    features = torch.randn(2, 6, 9, 13)
    boxes = torch.tensor([[0, 0, 0.01, 0.01], [0.2, 0.3, 0.9, 0.5], [0.9, 0.9, 1, 1.0]])
    index = torch.tensor([1, 0, 1])
    (crops,) = region(region.per_view(features), boxes, index)
    framed = torch.nn.functional.pad(features, (1, 1, 1, 1))
    whole = region.instance(framed)
    x = ((boxes[:, 0] + boxes[:, 2]) / 2 * 13).long()
    y = ((boxes[:, 1] + boxes[:, 3]) / 2 * 9).long()
    wanted = whole[index, :, y, x]
    assert torch.allclose(crops[:, -32:, 0, 0], wanted, atol=1e-5)
    assert torch.equal(crops[:, -32:, 0, 0], crops[:, -32:, 17, 30])


def test_crops_hold_y_then_x_then_pixels_then_instance() -> None:
    region = EmbeddingRegion(SMALL, 6)
    features = torch.randn(1, 6, 8, 8)
    maps = region.per_view(features)
    (crops,) = region(maps, torch.tensor([[0, 0, 1, 1.0]]), torch.tensor([0]))
    assert crops.shape == (1, 50, 32, 32)
    assert crops[0, 0, [0, -1], 5].tolist() == [-1, 1]
    assert crops[0, 1, 5, [0, -1]].tolist() == [-1, 1]
    corners = crops[0, 2:18, ::31, ::31]
    assert torch.allclose(corners, maps.pixels[0, :, ::7, ::7], atol=1e-5)


def test_coordinates_follow_the_crops_dtype() -> None:
    assert coordinates(torch.zeros(2, 1, 4, 4, dtype=torch.bfloat16)).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("side", "level"),
    [(10, 0), (111.9, 0), (112, 1), (224, 2), (447, 2), (448, 3), (896, 4), (5000, 4)],
)
def test_boxes_of_side_224_lie_on_stride_16(side: float, level: int) -> None:
    boxes = torch.tensor([[3.0, 5, 3 + side, 5 + side]])
    assert levels_of(boxes, strides=STRIDES).tolist() == [level]


def test_pyramid_crops_are_those_of_torchvision() -> None:
    torch.manual_seed(0)
    maps = [torch.randn(2, 4, 512 // s, 512 // s) for s in STRIDES]
    low = torch.rand(12, 2) * 200
    pixels = torch.cat([low, low + torch.rand(12, 2) * 310 + 2], dim=1)
    index = torch.tensor([0] * 5 + [1] * 7)
    names = ["0", "1", "2", "3", "4"]
    pool = MultiScaleRoIAlign(names, output_size=32, sampling_ratio=1)
    wanted = pool(dict(zip(names, maps, strict=True)), [pixels[:5], pixels[5:]], [(512, 512)] * 2)
    (found,) = PyramidRegion(MARC, STRIDES)(maps, pixels / 512, index)
    assert torch.allclose(found, wanted, atol=1e-3)


def mask_logits(*levels: float) -> Tensor:
    """Logits (1,2,2) of four probabilities."""
    return torch.tensor(levels).logit().view(1, 2, 2)


@pytest.mark.parametrize(
    ("levels", "quality"),
    [((0.9, 0.8, 0.1, 0.2), 1.7 / 2.3), ((0.6, 0.6, 0.6, 0.6), 0.6), ((0.1, 0.1, 0.1, 0.1), 0.1)],
)
def test_estimated_quality_is_the_expected_overlap(
    levels: tuple[float, ...], quality: float
) -> None:
    assert estimated_iou_logit(mask_logits(*levels)).sigmoid().item() == pytest.approx(
        quality, rel=1e-4
    )


def test_untrained_quality_head_answers_with_the_estimate() -> None:
    logits = torch.randn(3, 64, 64)
    head = QualityHead(5).eval()
    assert torch.allclose(head(torch.randn(3, 5, 32, 32), logits), estimated_iou_logit(logits))


def test_a_single_box_can_be_trained_on_through_a_1x1_bottleneck() -> None:
    config = replace(SMALL, head="hourglass52")
    network = network_of(config).train()
    assert torch.isfinite(network(views_of(config, count=1)).logits).all()


@pytest.mark.parametrize(
    ("momentum", "head", "kind", "found"),
    [
        ("torch", "hourglass10", HourglassNorm, 0.1),
        ("paper", "hourglass10", HourglassNorm, 0.9),
        ("torch", "resnet4", ResidualNorm, 0.1),
        ("paper", "resnet4", ResidualNorm, 0.01),
    ],
)
def test_norm_momentum_is_one_choice_for_the_whole_network(
    momentum: str, head: str, kind: type, found: float
) -> None:
    config = ModelConfig.from_json(
        f'{{"backbone": "tiny", "head": "{head}", "norm_momentum": "{momentum}"}}'
    )
    norms = [module for module in build(config).modules() if isinstance(module, kind)]
    assert {norm.momentum for norm in norms} == {found}


def test_config_survives_json() -> None:
    for config in CONFIGS.values():
        assert ModelConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"family": "yolo"}', "known families: deepmac, deepmarc, zoom"),
        ('{"mask_size": 48}', "masks of side 32 or 64"),
        ('{"family": "deepmarc"}', "masks of side 64"),
        ('{"head": "fcn", "crop_size": 14}', "masks of side 28"),
        ('{"view_size": 0}', "view_size is 0"),
        ('{"context": 0.5}', "a view must hold its box"),
        ('{"crop_size": 1, "mask_size": 1}', "2 or more"),
        ('{"view_size": "big"}', "view_size"),
        ('{"depth": 3}', "depth, which this version does not know"),
        ("{", "not JSON"),
    ],
)
def test_config_errors_say_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ModelConfig.from_json(text)
