"""ResNet trunks from torchvision, with their ImageNet weights when those can be reached."""

from urllib.error import URLError

import torch
from torch import Tensor, nn
from torchvision import models

from boxmask.errors import ConfigError
from boxmask.models.backbones.trunk import Trunk
from boxmask.models.normalise import IMAGENET

BUILDERS = {"resnet50-fpn": models.resnet50, "resnet101-fpn": models.resnet101}
WEIGHTS: dict[str, models.WeightsEnum] = {
    "resnet50-fpn": models.ResNet50_Weights.IMAGENET1K_V1,
    "resnet101-fpn": models.ResNet101_Weights.IMAGENET1K_V1,
}


class ResNetTrunk(Trunk):
    """A ResNet without its pooling and classifier."""

    fine_channels = 64
    channels = (256, 512, 1024, 2048)
    scale = IMAGENET

    def __init__(self, name: str, *, pretrained: bool) -> None:
        super().__init__()
        self.resnet = BUILDERS[name](weights=None)
        if pretrained:
            self.resnet.load_state_dict(_imagenet_weights(name))
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


def _imagenet_weights(name: str) -> dict[str, Tensor]:
    """Return torchvision's weights of `name`, from its cache or its download."""
    try:
        state: dict[str, Tensor] = WEIGHTS[name].get_state_dict(progress=False, check_hash=True)
    except (URLError, OSError, RuntimeError) as error:
        raise ConfigError(
            f"the ImageNet weights of {name} cannot be fetched ({error}); connect, put "
            f"{WEIGHTS[name].url.rsplit('/', 1)[-1]} into {torch.hub.get_dir()}/checkpoints, "
            "choose an efficientnet-lite backbone, or start without pretrained weights."
        ) from error
    return state
