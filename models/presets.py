"""Whole networks by name: the published ones and ours."""

from boxmask.errors import ConfigError
from boxmask.models.config import ModelConfig

PRESETS: dict[str, ModelConfig] = {
    "zoom": ModelConfig(head_channels=32, window_masks=True, large_view_size=176),
    "zoom-exact": ModelConfig(head_channels=32),
    "zoom-exact-64": ModelConfig(head_channels=32, mask_size=64),
    "zoom-tiny": ModelConfig(backbone="tiny", view_size=96, feature_channels=32, head_channels=8),
    "deepmac-512": ModelConfig(
        family="deepmac", backbone="hourglass104", head="hourglass52", image_size=512
    ),
    "deepmac-1024": ModelConfig(
        family="deepmac", backbone="hourglass104", head="hourglass100", image_size=1024
    ),
    "deepmarc": ModelConfig(
        family="deepmarc", backbone="resnet101-fpn", head="hourglass52", mask_size=64
    ),
    "deepmarc-default": ModelConfig(
        family="deepmarc", backbone="resnet101-fpn", head="fcn", crop_size=14, mask_size=28
    ),
}


def preset(name: str) -> ModelConfig:
    """Return the config that `name` stands for."""
    if name not in PRESETS:
        known = ", ".join(sorted(PRESETS))
        raise ConfigError(f"no model is called {name!r}; known models: {known}")
    return PRESETS[name]
