"""The published models, and which of them a checkpoint is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

import torch
from torch import nn

from boxmask.errors import WeightsError
from boxmask.models.backbones import build_backbone
from boxmask.models.config import ModelConfig
from boxmask.models.heads import build_head
from boxmask.models.network import MaskNetwork, build, head_sizes
from boxmask.published import deepmac, deepmarc
from boxmask.published.checkpoint import Checkpoint
from boxmask.splits import NON_VOC, VOC

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Family:
    """One kind of published model; its parts stand largest first, as some contain others."""

    title: str
    config: ModelConfig
    mark: str
    """A name that its model has, and the other's has not."""
    table: ModuleType
    """What its layers are called."""
    backbones: tuple[str, ...]
    heads: tuple[str, ...]


FAMILIES = (
    Family(
        title="Deep-MAC",
        config=ModelConfig(family="deepmac", backbone="hourglass104", quality=False),
        mark="_mask_net",
        table=deepmac,
        backbones=tuple(f"hourglass{depth}" for depth in (104, 52, 32, 20, 10)),
        heads=(
            *(f"hourglass{depth}" for depth in (100, 52, 32, 20)),
            "hourglass20-no-lrs",
            "hourglass20-no-ed",
            "hourglass10",
            *(f"resnet{depth}" for depth in (20, 16, 12, 8, 4)),
            "fc2",
        ),
    ),
    Family(
        title="Deep-MARC",
        config=ModelConfig(family="deepmarc", backbone="spinenet143", mask_size=64, quality=False),
        mark="mask_head",
        table=deepmarc,
        backbones=(
            *(f"spinenet{size}" for size in (143, 96, 49)),
            *(f"resnet{depth}-fpn-same" for depth in (101, 50)),
        ),
        heads=(*(f"hourglass{depth}" for depth in (100, 52, 20)), "fcn"),
    ),
)


class Recognised:
    """A checkpoint of a published model, and the network of ours that it is."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.family, self._model = _find(checkpoint)
        table, objects = self.family.table, checkpoint.objects
        config = self.family.config

        def backbone_lacks(name: str) -> int:
            backbone = _on_meta(build_backbone, replace(config, backbone=name))
            return self._lacking(table.backbone_paths(backbone, objects, self._model))

        def head_lacks(name: str) -> int:
            head = _on_meta(build_head, name, head_sizes(_with_head(config, name)))
            return self._lacking(table.head_paths(head, objects, self._model))

        backbone, head = self.family.backbones, self.family.heads
        config = replace(config, backbone=_least(backbone, backbone_lacks))
        config = replace(config, detector=table.finds(objects, self._model))
        self.config = self._sized(_with_head(config, _least(head, head_lacks)))

    def network(self, config: ModelConfig) -> MaskNetwork:
        """Build the network of a config without memory for its tensors."""
        return _on_meta(build, config)

    def paths(self, network: MaskNetwork) -> dict[str, str]:
        """Return the path of each layer of a network, "" if the file has none such."""
        table, objects = self.family.table, self.checkpoint.objects
        parts = {"backbone": table.backbone_paths(network.backbone, objects, self._model)}
        for stage, branch in enumerate(network.branches):
            region = branch.get_submodule("region")
            parts[f"branches.{stage}.region"] = table.region_paths(region, stage, self._model)
        head = network.last_branch.head
        last = f"branches.{len(network.branches) - 1}.head"
        parts[last] = table.head_paths(head, objects, self._model)
        if network.detector is not None:
            parts["detector"] = table.detector_paths(network.detector, self._model)
        return {
            f"{part}.{ours}": path for part, found in parts.items() for ours, path in found.items()
        }

    def _lacking(self, paths: dict[str, str]) -> int:
        """Count the layers that the file has not."""
        find = self.checkpoint.objects.find
        return sum(not path or not find(path).children for path in paths.values())

    def _sized(self, config: ModelConfig) -> ModelConfig:
        """Take the channels that are free from the file."""
        network = self.network(config)
        paths = self.paths(network)

        def outputs(layer: str) -> int:
            key = self.checkpoint.objects.find(f"{paths[layer]}.kernel").key
            entry = self.checkpoint.entries.get(key)
            return entry.shape[-1] if entry and entry.shape else 0

        first, per_base = _first_of_head(network)
        sizes: dict[str, Any] = {"head_channels": outputs(first) // per_base}
        if config.family == "deepmac":
            regions = {f"{name}_channels": f"region.{name}.2" for name in ("pixel", "instance")}
            regions["embedding_channels"] = "region.pixel.0"
            sizes |= {size: outputs(f"branches.0.{layer}") for size, layer in regions.items()}
        sizes = {name: size for name, size in sizes.items() if size}
        if config.detector is not None:
            last = f"detector.{self.family.table.CLASSES_LAYER}"
            sizes |= classes_of(outputs(last))
        return replace(config, **sizes)


def classes_of(count: int) -> dict[str, Any]:
    """Name the classes of a detector by their ids, 1 and up; those of COCO, which are up to 90."""
    ids = tuple(range(1, count + 1))
    names = VOC | NON_VOC if count == max(VOC | NON_VOC) else {}
    return {"class_ids": ids, "classes": tuple(names.get(id, f"class {id}") for id in ids)}


def _find(checkpoint: Checkpoint) -> tuple[Family, str]:
    """Return the family of a checkpoint, and the name of the model in it."""
    for family in FAMILIES:
        for model in ("model", "_model", ""):
            if checkpoint.objects.find(f"{model}.{family.mark}").children:
                return family, model
    roots = ", ".join(sorted(checkpoint.objects.find("").children)[:8])
    raise WeightsError(
        f"{checkpoint.prefix}: neither Deep-MAC nor Deep-MARC, its objects are {roots}; "
        "see docs/published.md for the files that can be imported."
    )


def _with_head(config: ModelConfig, name: str) -> ModelConfig:
    sizes: dict[str, Any] = {"crop_size": 14, "mask_size": 28} if name == "fcn" else {}
    return replace(config, head=name, **sizes)


def _first_of_head(network: MaskNetwork) -> tuple[str, int]:
    """Return the first convolution of the head, and how many base channels it has."""
    found = (
        (name, module.out_channels // network.config.head_channels)
        for name, module in network.named_modules()
        if ".head." in name and isinstance(module, nn.Conv2d)
    )
    return next(found)


def _least(names: tuple[str, ...], lacks: Callable[[str], int]) -> str:
    """Return the first that lacks nothing, or the one that lacks least."""
    counted: dict[str, int] = {}
    for name in names:
        counted[name] = lacks(name)
        if counted[name] == 0:
            break
    return min(counted, key=counted.__getitem__)


def _on_meta(make: Callable[P, T], *given: P.args, **options: P.kwargs) -> T:
    """Make modules without memory for their tensors."""
    with torch.device("meta"):
        return make(*given, **options)
