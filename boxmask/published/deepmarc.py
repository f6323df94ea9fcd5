"""Deep-MARC, as the Model Garden saves it: for every layer of ours, the path of theirs."""

from torch import nn

from boxmask.models.backbones.spinenet import SPINES, SpineNet
from boxmask.models.backbones.trunk import Backbone, BackboneWithNeck
from boxmask.models.heads.hourglass import HourglassBody
from boxmask.published.graphs import layers_by_name
from boxmask.published.hourglass_names import HEAD, renamed
from boxmask.published.layers import layers_of
from boxmask.published.objects import Objects

# Of the keys in a file, those of its detector: see docs/published.md for why.
LEFT_OUT = (r"(^|/)rpn_head/", r"(^|/)detection_head/")
_FINEST = 2  # level of the finest map of a ResNet's pyramid
_TAIL = {"enlarge": "_deconv", "norm": "_deconv_bn", "project": "_mask_regressor"}
_BOTTLENECK = {
    **{
        f"{ours}{number}": f"{theirs}{number}"
        for number in (1, 2, 3)
        for ours, theirs in (("conv", "_conv"), ("bn", "_norm"))
    },
    "downsample.0": "_shortcut",
    "downsample.1": "_norm0",
}


def finds(objects: Objects, model: str) -> str | None:
    """Return the detector that is taken over: none."""
    return None


def region_paths(region: nn.Module, stage: int, model: str) -> dict[str, str]:
    """Return the path of each layer of a region, which has none."""
    return {}


def backbone_paths(backbone: Backbone, objects: Objects, model: str) -> dict[str, str]:
    """Return the path of each layer of a backbone, "" if a file has none such."""
    layers = layers_by_name(objects, f"{model}.backbone")
    if isinstance(backbone, SpineNet):
        return _spinenet(backbone, layers)
    assert isinstance(backbone, BackboneWithNeck)
    found = _resnet(backbone.trunk.get_submodule("resnet"), layers)
    return found | _pyramid(backbone.join, layers_by_name(objects, f"{model}.decoder"))


def head_paths(head: nn.Module, objects: Objects, model: str) -> dict[str, str]:
    """Return the path of each layer of a mask head."""
    theirs = f"{model}.mask_head"
    body = head.get_submodule("0")
    found = {f"1.{ours}": f"{theirs}.{name}" for ours, name in _TAIL.items()}
    if isinstance(body, HourglassBody):
        for layer, _ in layers_of(body):
            found[f"0.{layer}"] = f"{theirs}._hourglass.{renamed(layer, HEAD)}"
        return found
    convolutions = [layer for layer, one in layers_of(body) if isinstance(one, nn.Conv2d)]
    norms = [layer for layer, one in layers_of(body) if isinstance(one, nn.BatchNorm2d)]
    for kind, listed in (("_convs", convolutions), ("_conv_norms", norms)):
        found |= {f"0.{layer}": f"{theirs}.{kind}.{number}" for number, layer in enumerate(listed)}
    return found


def _resnet(resnet: nn.Module, layers: dict[str, str]) -> dict[str, str]:
    """Return the paths of a ResNet: its stem, then its bottlenecks as they follow each other."""
    found = {"conv1": layers.get("conv2d.0", ""), "bn1": layers.get("batch_normalization.0", "")}
    blocks = [
        f"layer{stage}.{name}"
        for stage in (1, 2, 3, 4)
        for name, _ in resnet.get_submodule(f"layer{stage}").named_children()
    ]
    for number, block in enumerate(blocks):
        path = layers.get(f"bottleneck_block.{number}", "")
        for layer, _ in layers_of(resnet.get_submodule(block)):
            found[f"{block}.{layer}"] = f"{path}.{_BOTTLENECK[layer]}" if path else ""
    return {f"trunk.resnet.{layer}": path for layer, path in found.items()}


def _pyramid(neck: nn.Module, layers: dict[str, str]) -> dict[str, str]:
    names = {"laterals": "lateral", "smooths": "post_hoc", "norms": "norm"}
    found = {"coarser": "coarser_6"}
    for ours, theirs in names.items():
        for number, _ in neck.get_submodule(ours).named_children():
            found[f"{ours}.{number}"] = f"{theirs}_{_FINEST + int(number)}"
    return {f"join.{layer}": layers.get(name, "") for layer, name in found.items()}


def _spinenet(network: SpineNet, layers: dict[str, str]) -> dict[str, str]:
    """Return the paths of a SpineNet, whose layers of a kind are numbered as they were made."""
    found = {}
    for number, step in enumerate(_steps(network)):
        for place, kind in (("0", "conv2d"), ("1", "batch_normalization")):
            found[f"{step}.{place}"] = layers.get(f"{kind}.{number}", "")
    groups = [(f"first.{number}", "bottleneck") for number in range(len(network.first))]
    for number, spine in enumerate(SPINES):
        groups.append((f"blocks.{number}", "bottleneck" if spine.bottleneck else "residual"))
    made = {"bottleneck": 0, "residual": 0}
    for group, kind in groups:
        for name, block in network.get_submodule(group).named_children():
            path = layers.get(f"{kind}_block.{made[kind]}", "")
            made[kind] += 1
            for layer, _ in layers_of(block):
                found[f"{group}.{name}.{layer}"] = f"{path}.{_inside(layer)}" if path else ""
    return found


def _steps(network: SpineNet) -> list[str]:
    """Return the convolutions outside the blocks, in the order in which they are made."""
    made = ["stem"]
    for number, edges in enumerate(network.edges):
        for side, edge in edges.named_children():
            steps = [name for name, one in edge.named_children() if isinstance(one, nn.Sequential)]
            made += [f"edges.{number}.{side}.{step}" for step in steps]
    return made + [f"ends.{number}" for number in range(len(network.ends))]


def _inside(layer: str) -> str:
    """Return what a layer of a block is called: `steps.0.1` is `_norm1`, `skip.0` `_shortcut`."""
    *_, which, place = layer.split(".")
    if layer.startswith("skip"):
        return "_shortcut" if place == "0" else "_norm0"
    return f"{'_conv' if place == '0' else '_norm'}{int(which) + 1}"
