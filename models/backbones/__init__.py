"""Backbones by name: a view in, stride-4 features out."""

from functools import partial
from typing import Protocol

from boxmask.errors import ConfigError
from boxmask.models.backbones.hourglass import STACKS, StackedHourglass, StackPlan
from boxmask.models.backbones.lite import NAMES, LiteTrunk
from boxmask.models.backbones.necks import CenterNetNeck, FPNNeck, LightNeck
from boxmask.models.backbones.resnet import BUILDERS, SAME_PADDED, ResNetTrunk
from boxmask.models.backbones.spinenet import PLANS as SPINES
from boxmask.models.backbones.spinenet import SpineNet
from boxmask.models.backbones.tiny import TinyTrunk
from boxmask.models.backbones.tinyvit import NAME as TINYVIT
from boxmask.models.backbones.tinyvit import TinyViTTrunk
from boxmask.models.backbones.trunk import Backbone, BackboneWithNeck
from boxmask.models.config import ModelConfig


class Builder(Protocol):
    """Build a backbone; `channels` are those of its map, where they are free."""

    def __call__(self, *, channels: int, pretrained: bool) -> Backbone:
        """Build it, from ImageNet weights if `pretrained`."""


def _build_stacked(plan: StackPlan, *, channels: int, pretrained: bool) -> Backbone:
    """Build a stacked hourglass, whose channels are fixed and which has no ImageNet weights."""
    if pretrained:
        raise ConfigError(
            "the hourglass backbones have no ImageNet weights; start with pretrained=false."
        )
    return StackedHourglass(plan)


def _build_resnet(name: str, *, channels: int, pretrained: bool) -> Backbone:
    """Build a ResNet with CenterNet's neck, whose 64 channels are fixed."""
    trunk = ResNetTrunk(name, pretrained=pretrained)
    return BackboneWithNeck(trunk, CenterNetNeck(trunk.channels), 64)


def _build_lite(name: str, *, channels: int, pretrained: bool) -> Backbone:
    """Build an EfficientNet-Lite with the light neck."""
    trunk = LiteTrunk(name, pretrained=pretrained)
    return BackboneWithNeck(trunk, LightNeck(trunk.channels, channels), channels)


def _build_tiny(*, channels: int, pretrained: bool) -> Backbone:
    """Build the tiny backbone, which has no weights to start from and needs none."""
    trunk = TinyTrunk()
    return BackboneWithNeck(trunk, LightNeck(trunk.channels, channels), channels)


def _build_tinyvit(*, channels: int, pretrained: bool) -> Backbone:
    """Build TinyViT with the light neck; no package that can be installed carries its weights."""
    if pretrained:
        raise ConfigError(
            f"{TINYVIT} has no ImageNet weights here; start with pretrained=false, or --init from "
            "weights with this trunk (`--init bundled`, or what examples/graft.py made)."
        )
    trunk = TinyViTTrunk()
    return BackboneWithNeck(trunk, LightNeck(trunk.channels, channels), channels)


def _build_pyramid(name: str, *, channels: int, pretrained: bool) -> Backbone:
    """Build a ResNet with a feature pyramid, whose 256 channels are fixed."""
    trunk = ResNetTrunk(name, pretrained=pretrained)
    return BackboneWithNeck(trunk, FPNNeck(trunk.channels, 256), 256, strides=FPNNeck.strides)


def _build_light_pyramid(name: str, *, channels: int, pretrained: bool) -> Backbone:
    """Build a light trunk with a feature pyramid of `channels`."""
    trunk = TinyTrunk() if name == "tiny" else LiteTrunk(name, pretrained=pretrained)
    neck = FPNNeck(trunk.channels, channels)
    return BackboneWithNeck(trunk, neck, channels, strides=FPNNeck.strides)


def _build_spinenet(name: str, *, channels: int, pretrained: bool) -> Backbone:
    """Build a SpineNet, whose channels are fixed and which has no ImageNet weights."""
    if pretrained:
        raise ConfigError(f"{name} has no ImageNet weights; start with pretrained=false.")
    return SpineNet(SPINES[name])


BACKBONES: dict[str, Builder] = {
    "tiny": _build_tiny,
    **{name: partial(_build_lite, name) for name in NAMES},
    TINYVIT: _build_tinyvit,
    **{name: partial(_build_resnet, name) for name in BUILDERS},
    **{name: partial(_build_stacked, plan) for name, plan in STACKS.items()},
}

PYRAMIDS: dict[str, Builder] = {
    **{name: partial(_build_light_pyramid, name) for name in ("tiny", *NAMES)},
    **{name: partial(_build_pyramid, name) for name in (*BUILDERS, *SAME_PADDED)},
    **{name: partial(_build_spinenet, name) for name in SPINES},
}


def build_backbone(config: ModelConfig, *, pretrained: bool = False) -> Backbone:
    """Build the backbone that `config` names, in the form that its family needs."""
    known = PYRAMIDS if config.family == "deepmarc" else BACKBONES
    if config.backbone not in known:
        raise ConfigError(
            f"family {config.family} has no backbone {config.backbone!r}; "
            f"known backbones: {', '.join(sorted(known))}."
        )
    return known[config.backbone](channels=config.feature_channels, pretrained=pretrained)
