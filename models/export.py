"""Makes graphs (graph.py): PyTorch tells what a network computes, OpenVINO writes it down.

It takes about ten seconds, once for a form. Shapes: V views of side Z, their P S S hint planes.
"""

import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from boxmask.errors import ConfigError, RunError
from boxmask.models.config import MAP_STRIDE, ModelConfig
from boxmask.models.exact import exact_layers, marked
from boxmask.models.graph import (
    INPUTS,
    Form,
    Graph,
    Tensors,
    cache_folder,
    find_graph,
    forms,
    graph_name,
    keep_graph,
)
from boxmask.models.hints import PLANES
from boxmask.models.network import MaskNetwork, build
from boxmask.models.openvino_library import convert, openvino
from boxmask.models.simplify import simplify
from boxmask.models.views import Views


class _Question(nn.Module):
    """A network that is asked for views; its tensors are inputs like any other."""

    def __init__(self, network: MaskNetwork) -> None:
        super().__init__()
        self.hidden = (_Asked(network),)  # from the exporter, to which they would be constants

    def forward(
        self, view: tuple[Tensor, ...], tensors: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        given = {f"network.{name}": tensor for name, tensor in tensors.items()}
        logits, quality = functional_call(self.hidden[0], given, view)
        return logits, quality


class _Asked(nn.Module):
    def __init__(self, network: MaskNetwork) -> None:
        super().__init__()
        self.network = network
        self.network.estimates = False

    def forward(
        self, pixels: Tensor, boxes: Tensor, hints: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map pixels (V,Z,Z,3), boxes (V,4) and hints (V,P,S,S) to logits (V,M,M) and (V,2).

        What these two are: QualityHead.beside_estimate.
        """
        index = torch.arange(len(pixels))
        found = self.network(Views(pixels.permute(0, 3, 1, 2), boxes, index, hints))
        return found.logits, found.quality_logits


def make_graphs(config: ModelConfig) -> None:
    """Make the graphs of a config that there are none of, and keep them in the cache folder."""
    for form in forms(config):
        if find_graph(config, form) is None:
            path = cache_folder() / graph_name(config, form)
            graph = export_graph(config, form)
            try:
                keep_graph(graph, path)
            except OSError as error:
                raise RunError(
                    f"{path}: cannot be written ({error.strerror}), and a graph for OpenVINO is "
                    "kept there. Make room for it, or give --runtime torch."
                ) from error


def export_graph(config: ModelConfig, form: Form) -> Graph:
    """Make the graph of a config for views of a form; ConfigError if that cannot be done."""
    network = build(config).eval()
    state = network.state_dict()
    tensors = {name: tensor for name, tensor in state.items() if tensor.is_floating_point()}
    view = _example(config, form)
    try:
        with torch.no_grad():
            program = torch.export.export(_Question(network), (view, tensors), strict=False)
        model = _converted(program, [*INPUTS[: len(view)], *tensors], [*view, *tensors.values()])
        recipes = simplify(model, INPUTS)
        written = _written(model)
    except Exception as error:  # exporters raise almost anything
        why = str(error).strip().partition("\n")[0]
        raise ConfigError(
            f"this network cannot be turned into a graph for OpenVINO ({why}); "
            "leave --runtime openvino out."
        ) from error
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    whole = {name: shape for name, shape in shapes.items() if name not in tensors}
    floating = {name: shapes[name] for name in tensors}
    return Graph(*written, Tensors(floating, whole, recipes))


def _example(config: ModelConfig, form: Form) -> tuple[Tensor, ...]:
    side, views = form
    pixels = torch.zeros(views, side, side, 3, dtype=torch.uint8)
    given = [pixels, torch.tensor([[0.2, 0.2, 0.8, 0.8]] * views)]
    if config.window_masks:
        given.append(torch.zeros(views, len(PLANES), side // MAP_STRIDE, side // MAP_STRIDE))
    return tuple(given)


def _converted(program: Any, names: list[str], examples: list[Tensor]) -> Any:
    """Convert a program, and give each of its inputs its name and its one shape."""
    model = convert(program)
    inputs = model.get_parameters()
    if len(inputs) != len(names):
        raise ValueError(f"{len(names)} inputs have become {len(inputs)}")
    model.reshape({at: list(example.shape) for at, example in enumerate(examples)})
    for parameter, name in zip(inputs, names, strict=True):
        parameter.set_friendly_name(name)
    return model


def _written(model: Any) -> tuple[bytes, bytes]:
    """Write a model as OpenVINO's pair of files, with marks at what stays in fp32."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.xml"
        openvino().save_model(model, path, compress_to_fp16=False)
        xml = marked(path.read_bytes(), exact_layers(model))
        return xml, path.with_suffix(".bin").read_bytes()
