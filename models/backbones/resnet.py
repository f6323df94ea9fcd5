"""ResNet trunks from torchvision, with their ImageNet weights when those can be reached."""

from urllib.error import URLError

import torch
from torch import Tensor, nn
from torchvision import models

from boxmask.errors import ConfigError
from boxmask.models.backbones.trunk import Trunk
from boxmask.models.normalise import IMAGENET
from boxmask.models.padding import SameConv2d, SameMaxPool2d

BUILDERS = {"resnet50-fpn": models.resnet50, "resnet101-fpn": models.resnet101}
WEIGHTS: dict[str, models.WeightsEnum] = {
    "resnet50-fpn": models.ResNet50_Weights.IMAGENET1K_V1,
    "resnet101-fpn": models.ResNet101_Weights.IMAGENET1K_V1,
}


# Of names: padded as TensorFlow does, for weights that were learnt so.
SAME = "-same"
SAME_PADDED = tuple(name + SAME for name in BUILDERS)
_SAME_EPSILON = 1e-4


class ResNetTrunk(Trunk):
    """A ResNet without its pooling and classifier."""

    fine_channels = 64
    channels = (256, 512, 1024, 2048)
    scale = IMAGENET

    def __init__(self, name: str, *, pretrained: bool) -> None:
        super().__init__()
        self.resnet = BUILDERS[name.removesuffix(SAME)](weights=None)
        if pretrained:
            self.resnet.load_state_dict(_imagenet_weights(name))
        if name.endswith(SAME):
            pad_as_tensorflow(self.resnet)
        del self.resnet.avgpool, self.resnet.fc

    def halvings(self) -> list[nn.ModuleList]:
        """Return the stem, then the four layers."""
        net = self.resnet
        layers = (net.layer1, net.layer2, net.layer3, net.layer4)
        return [nn.ModuleList([net.conv1, net.bn1]), *(nn.ModuleList([one]) for one in layers)]

    def forward(self, x: Tensor, hints: Tensor | None = None) -> list[Tensor]:
        """Map (V,3,H,W) to five maps at strides 2 to 32."""
        net = self.resnet
        fine = net.relu(net.bn1(net.conv1(x)))
        levels = [fine, self.with_hints(net.layer1(net.maxpool(fine)), hints)]
        for layer in (net.layer2, net.layer3, net.layer4):
            levels.append(layer(levels[-1]))
        return levels


def pad_as_tensorflow(resnet: nn.Module) -> None:
    """Give a ResNet the padding and the norms' epsilon of the Model Garden."""
    for module in list(resnet.modules()):
        if isinstance(module, nn.BatchNorm2d):
            module.eps = _SAME_EPSILON
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool2d):
                setattr(module, name, SameMaxPool2d())
            elif isinstance(child, nn.Conv2d) and child.stride[0] > 1 and child.kernel_size[0] > 1:
                sizes = child.kernel_size[0], child.stride[0]
                setattr(module, name, SameConv2d(child.in_channels, child.out_channels, *sizes))


def _imagenet_weights(name: str) -> dict[str, Tensor]:
    """Return torchvision's weights of `name`, from its cache or its download."""
    if name not in WEIGHTS:
        raise ConfigError(
            f"{name} has no ImageNet weights; choose {name.removesuffix(SAME)}, "
            "or start with pretrained=false."
        )
    try:
        state: dict[str, Tensor] = WEIGHTS[name].get_state_dict(progress=False, check_hash=True)
    except (URLError, OSError, RuntimeError) as error:
        raise ConfigError(
            f"the ImageNet weights of {name} cannot be fetched ({error}); connect, put "
            f"{WEIGHTS[name].url.rsplit('/', 1)[-1]} into {torch.hub.get_dir()}/checkpoints, "
            "choose an efficientnet-lite backbone, or start with pretrained=false."
        ) from error
    return state
