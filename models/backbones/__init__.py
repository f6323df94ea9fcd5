"""Backbones by name: a view in, stride-4 features out."""

from collections.abc import Callable
from functools import partial

from boxmask.errors import ConfigError
from boxmask.models.backbones.hourglass import STACKS, StackedHourglass
from boxmask.models.backbones.joins import CentreNetJoin, LightJoin, PyramidJoin
from boxmask.models.backbones.lite import NAMES, LiteTrunk
from boxmask.models.backbones.resnet import BUILDERS, ResNetTrunk
from boxmask.models.backbones.tiny import TinyTrunk
from boxmask.models.backbones.trunk import Backbone, Joined
from boxmask.models.config import ModelConfig

Builder = Callable[..., Backbone]


def build_stacked(stacks: int, *, channels: int, pretrained: bool) -> Backbone:
    """Build a stacked hourglass, whose channels are fixed and which has no ImageNet weights."""
    if pretrained:
        raise ConfigError(
            "the hourglass backbones have no ImageNet weights; start without pretrained weights"
        )
    return StackedHourglass(stacks)


def build_resnet(name: str, *, channels: int, pretrained: bool) -> Backbone:
    """Build a ResNet with CenterNet's join, whose 64 channels are fixed."""
    trunk = ResNetTrunk(name, pretrained=pretrained)
    return Joined(trunk, CentreNetJoin(trunk.channels), 64)


def build_lite(name: str, *, channels: int, pretrained: bool) -> Backbone:
    """Build an EfficientNet-Lite with the light join."""
    trunk = LiteTrunk(name, pretrained=pretrained)
    return Joined(trunk, LightJoin(trunk.channels, channels), channels)


def build_tiny(*, channels: int, pretrained: bool) -> Backbone:
    """Build the tiny backbone, which has no weights to start from and needs none."""
    trunk = TinyTrunk()
    return Joined(trunk, LightJoin(trunk.channels, channels), channels)


def build_pyramid(name: str, *, channels: int, pretrained: bool) -> Backbone:
    """Build a ResNet with a feature pyramid, whose 256 channels are fixed."""
    trunk = ResNetTrunk(name, pretrained=pretrained)
    return Joined(trunk, PyramidJoin(trunk.channels), 256)


BACKBONES: dict[str, Builder] = {
    "tiny": build_tiny,
    **{name: partial(build_lite, name) for name in NAMES},
    **{name: partial(build_resnet, name) for name in BUILDERS},
    **{name: partial(build_stacked, stacks) for name, stacks in STACKS.items()},
}

PYRAMIDS: dict[str, Builder] = {name: partial(build_pyramid, name) for name in BUILDERS}


def build_backbone(config: ModelConfig, *, pretrained: bool = False) -> Backbone:
    """Build the backbone that `config` names, in the form that its family needs."""
    known = PYRAMIDS if config.family == "deepmarc" else BACKBONES
    if config.backbone not in known:
        raise ConfigError(
            f"family {config.family} has no backbone {config.backbone!r}; "
            f"known backbones: {', '.join(sorted(known))}"
        )
    return known[config.backbone](channels=config.feature_channels, pretrained=pretrained)
