"""Whole networks by name: the published ones and ours. The recipes of those names train them."""

from dataclasses import replace

from boxmask.errors import ConfigError
from boxmask.models.config import ModelConfig

_DEEPMAC = ModelConfig(
    family="deepmac",
    backbone="hourglass104",
    head="hourglass52",
    image_size=512,
    quality=False,
)
_DEEPMARC = ModelConfig(
    family="deepmarc",
    backbone="resnet50-fpn",
    head="hourglass52",
    mask_size=64,
    quality=False,
)
# As boxmask 0.1 had it: masks inside boxes that are taken for exact.
_ZOOM_EXACT = ModelConfig(head_channels=32, embedding_channels=64)

_ZOOM = replace(
    _ZOOM_EXACT,
    backbone="efficientnet-lite2",
    head="hourglass26",
    window_masks=True,
    large_view_size=176,
)

PRESETS: dict[str, ModelConfig] = {
    "deepmac-512": _DEEPMAC,
    "deepmac-1024": replace(_DEEPMAC, head="hourglass100", image_size=1024),
    "deepmarc-r50": _DEEPMARC,
    "deepmarc-r101": replace(_DEEPMARC, backbone="resnet101-fpn"),
    "deepmarc-spinenet143-hg52": replace(_DEEPMARC, backbone="spinenet143", image_size=1280),
    "lite": ModelConfig(family="deepmac", head_channels=32, image_size=512, pad_square=False),
    "tiny": ModelConfig(
        backbone="tiny",
        head="hourglass10",
        head_channels=8,
        view_size=64,
        crop_size=16,
        mask_size=16,
        embedding_channels=16,
        feature_channels=16,
    ),
    "tiny-centernet": ModelConfig(
        family="deepmac",
        backbone="efficientnet-lite0",
        head="hourglass10",
        head_channels=16,
        crop_size=16,
        mask_size=32,
        image_size=128,
        embedding_channels=64,
        detector="centernet",
        center_square=3,
        center_layers=3,
    ),
    "tiny-faster-rcnn": ModelConfig(
        family="deepmarc",
        backbone="efficientnet-lite0",
        head="hourglass10",
        head_channels=16,
        crop_size=16,
        mask_size=32,
        image_size=128,
        embedding_channels=64,
        detector="faster-rcnn",
        anchor_cells=4,
        fcos_stride=4,
        box_samples=64,
    ),
    "zoom": _ZOOM,
    "zoom-exact": _ZOOM_EXACT,
    "zoom-tinyvit": replace(_ZOOM, backbone="tinyvit-5m", large_view_size=None),
}


def preset(name: str) -> ModelConfig:
    """Return the config that `name` stands for."""
    if name not in PRESETS:
        known = ", ".join(sorted(PRESETS))
        raise ConfigError(f"no model is called {name!r}; known models: {known}.")
    return PRESETS[name]
