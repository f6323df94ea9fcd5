"""What a network costs: parameters, and multiply-adds per image and per box.

Everything is counted on PyTorch's meta device: shapes only, no memory and no arithmetic.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from boxmask.models.backbones import build_backbone
from boxmask.models.config import ModelConfig
from boxmask.models.heads import Classes, build_head
from boxmask.models.hints import PLANES
from boxmask.models.network import MaskNetwork, build, head_sizes
from boxmask.models.regions import EmbeddingRegion


@dataclass(frozen=True)
class Cost:
    """Parameters, and multiply-adds of convolutions and dense layers at inference."""

    parameters: int
    per_image: int
    per_box: int


@cache
def network_cost(config: ModelConfig) -> Cost:
    """Count a whole network; an image is a square of the config's `image_size`."""
    with torch.device("meta"):
        network = build(config)
        total = count_parameters(network)
        _without_norms(network)
        view, box = _view_cost(network), _box_cost(network)
    return Cost(total, 0, view + box) if config.view_per_box else Cost(total, view, box)


@cache
def head_cost(config: ModelConfig) -> Cost:
    """Count the head of `config` alone."""
    with torch.device("meta"):
        head = build_head(config.head, head_sizes(config))
        total = count_parameters(head)
        return Cost(total, 0, _multiply_adds(lambda: _without_norms(head)(*_asked_of(config))))


@cache
def backbone_cost(config: ModelConfig) -> Cost:
    """Count the backbone of `config` alone, on one view."""
    with torch.device("meta"):
        backbone = build_backbone(config)
        total = count_parameters(backbone)
        pixels = torch.empty(1, 3, *[_view_side(config)] * 2)
        cost = _multiply_adds(lambda: _without_norms(backbone)(pixels))
    per_image, per_box = (0, cost) if config.view_per_box else (cost, 0)
    return Cost(total, per_image, per_box)


def _view_cost(network: MaskNetwork) -> int:
    """Count what is done once per view: backbone, pixel embedding, detector."""
    side = _view_side(network.config)
    region = network.last_branch.region
    hints = (_hints_of(network.config),) if network.config.window_masks else ()

    def predict() -> None:
        pixels = network.normalise(torch.empty(1, 3, side, side))
        stage = network.backbone(pixels, *hints)[-1]
        region.per_view(stage)
        if network.detector is not None:
            network.detector(stage)

    return _multiply_adds(predict)


def _box_cost(network: MaskNetwork) -> int:
    """Count what is done once per box: instance embedding, head and quality head."""
    branch, config = network.last_branch, network.config
    crops, side = _crops_of(config), config.mask_size
    fine = network.backbone.fine_channels
    fine_map = (torch.empty(1, fine, side, side),) if config.window_masks else ()

    def predict() -> None:
        if isinstance(branch.region, EmbeddingRegion) and branch.region.instance is not None:
            branch.region.instance(torch.empty(1, network.backbone.channels, 3, 3))
        logits = branch.head(crops, *fine_map, *_classes_of(config))
        if network.quality is not None:
            network.quality(crops, logits)

    return _multiply_adds(predict)


def _view_side(config: ModelConfig) -> int:
    """Return the side of a view."""
    return config.view_size if config.view_per_box else config.image_size


def _crops_of(config: ModelConfig) -> Tensor:
    """Return one crop as the head is given it."""
    return torch.empty(1, config.region_channels, config.crop_size, config.crop_size)


def _asked_of(config: ModelConfig) -> tuple[Tensor | Classes, ...]:
    """Return all that the head is given for one box, if it is shown no finer map."""
    return (_crops_of(config), *_classes_of(config))


def _classes_of(config: ModelConfig) -> tuple[Classes, ...]:
    """Return what the head is told of the class of one box, if it asks for that."""
    if not config.by_class:
        return ()
    sizes = head_sizes(config)
    rows = torch.empty(sizes.classes, sizes.cls + sizes.box)
    return (Classes(torch.zeros(1, dtype=torch.int64), rows),)


def _hints_of(config: ModelConfig) -> Tensor:
    """Return the hints of one box."""
    return torch.empty(1, len(PLANES), config.crop_size, config.crop_size)


def _without_norms(network: nn.Module) -> nn.Module:
    """Take the norms out of a network, and return it: no convolution costs more or less for it.

    On the meta device a norm takes ten times as long as a convolution.
    """
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, nn.Identity())
    return network.eval()


def count_parameters(module: nn.Module) -> int:
    """Count the trainable numbers of a module."""
    return sum(parameter.numel() for parameter in module.parameters())


def _multiply_adds(run: Callable[[], object]) -> int:
    """Count the multiply-adds of a run: half of its floating-point operations."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops()) // 2
