"""Deep-MAC, as the Object Detection API saves it: for every layer of ours, the path of theirs."""

from torch import nn

from boxmask.models.backbones.trunk import Backbone
from boxmask.models.heads.dense import DenseHead
from boxmask.models.heads.residual import PreActivation, ResidualBody
from boxmask.published.graphs import layers_by_name
from boxmask.published.hourglass_names import BACKBONE, HEAD, renamed
from boxmask.published.layers import layers_of
from boxmask.published.objects import Objects

# Of the keys in a file, those of parts that are neither for masks nor for boxes.
LEFT_OUT = (r"/_self_supervised_rng/",)
_HEADS = "_prediction_head_dict"
_FINDING = {"heatmap": "object_center", "size": "box/scale", "offset": "box/offset"}
CLASSES_LAYER = "stages.0.heatmap.2"
"""Of the detector: it has an output for each class."""
_EMBEDDING = {"0": "layer_with_weights-0", "2": "layer_with_weights-1"}
_DENSE = {"reduce": "input_layer", "dense.1": "fc1", "dense.3": "fc2"}
_PRE_ACTIVATION = {
    "before.0": "preact_bn",
    "shortcut": "0_conv",
    "body.0": "1_conv",
    "body.1": "1_bn",
    "body.3": "2_conv",
    "body.4": "2_bn",
}


def region_paths(region: nn.Module, stage: int, model: str) -> dict[str, str]:
    """Return the path of each layer of the region of a stage."""
    found = {}
    for embedding in ("pixel", "instance"):
        theirs = f"{model}.{_HEADS}.{embedding.upper()}_EMBEDDING.{stage}"
        for layer, _ in layers_of(region.get_submodule(embedding)):
            found[f"{embedding}.{layer}"] = f"{theirs}.{_EMBEDDING[layer]}"
    return found


def finds(objects: Objects, model: str) -> str | None:
    """Return the detector whose heads a file has, if any."""
    heads = objects.find(f"{model}.{_HEADS}").children
    return "centernet" if _FINDING["heatmap"] in heads else None


def detector_paths(detector: nn.Module, model: str) -> dict[str, str]:
    """Return the path of each layer of the detector's heads, which every stage has."""
    found = {}
    for ours, _ in layers_of(detector):
        _, stage, head, layer = ours.split(".")
        found[ours] = f"{model}.{_HEADS}.{_FINDING[head]}.{stage}.{_EMBEDDING[layer]}"
    return found


def backbone_paths(backbone: Backbone, objects: Objects, model: str) -> dict[str, str]:
    """Return the path of each layer of a backbone."""
    theirs = f"{model}._feature_extractor._network"
    return {layer: f"{theirs}.{renamed(layer, BACKBONE)}" for layer, _ in layers_of(backbone)}


def head_paths(head: nn.Module, objects: Objects, model: str) -> dict[str, str]:
    """Return the path of each layer of a mask head, "" if a file has none such."""
    theirs = f"{model}._mask_net"
    if isinstance(head, DenseHead):
        return {layer: f"{theirs}._net.{_DENSE.get(layer, '')}" for layer, _ in layers_of(head)}
    body = head.get_submodule("0")
    if isinstance(body, ResidualBody):
        found = _residual(body, objects, f"{theirs}._net")
    else:
        found = {layer: f"{theirs}._net.{renamed(layer, HEAD)}" for layer, _ in layers_of(body)}
    inside = {f"0.{layer}": path for layer, path in found.items()}
    return {**inside, "1.project": f"{theirs}.project_out"}


def _residual(body: ResidualBody, objects: Objects, theirs: str) -> dict[str, str]:
    """Return the paths of a ResNet head, whose stacks begin with a projection."""
    layers = layers_by_name(objects, f"{theirs}.model")
    found, stack, number = {"0": f"{theirs}.input_layer"}, -1, 0
    for name, block in body.named_children():
        if not isinstance(block, PreActivation):
            continue
        stack, number = (stack + 1, 1) if block.shortcut is not None else (stack, number + 1)
        for layer, _ in layers_of(block):
            made_as = f"resnet_mask_block_{stack}_block{number}_{_PRE_ACTIVATION[layer]}"
            found[f"{name}.{layer}"] = layers.get(made_as, "")
    return found
