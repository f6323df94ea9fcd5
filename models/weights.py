"""Weights files: safetensors with the config and a model card inside; nothing executes on load."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import safe_open
from safetensors.torch import save as serialize
from torch import Tensor

from boxmask.durable import replace_file
from boxmask.errors import ConfigError, WeightsError
from boxmask.models.config import ModelConfig
from boxmask.models.header import METADATA_KEY, check_shapes, read_header
from boxmask.models.network import MaskNetwork, build


def save_network(
    path: Path, network: MaskNetwork, card: Mapping[str, Any], *, dtype: torch.dtype | None = None
) -> None:
    """Write a network to `path`, replacing it in one step.

    `dtype=torch.float16` halves the file; vectors (norms, biases) stay float32, since they are
    small and their range is not bounded.
    """
    tensors = {
        name: _for_storage(tensor.detach().cpu().contiguous(), dtype)
        for name, tensor in network.state_dict().items()
    }
    _write(path, tensors, network.config, card)


def replace_card(path: Path, card: Mapping[str, Any]) -> None:
    """Give a weights file another card; its config and tensors stay as they are."""
    header = read_header(path)
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in header.shapes}
    _write(path, tensors, header.config, card)


def _write(
    path: Path, tensors: dict[str, Tensor], config: ModelConfig, card: Mapping[str, Any]
) -> None:
    member = {"config": config, "card": dict(card)}
    metadata = {METADATA_KEY: msgspec.json.encode(member, order="sorted").decode()}
    with replace_file(path) as stream:
        stream.write(serialize(tensors, metadata=metadata))


def _for_storage(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    """Return a tensor as it is written."""
    matrix = tensor.is_floating_point() and tensor.dim() > 1
    return tensor.to(dtype) if dtype is not None and matrix else tensor


def load_network(path: Path) -> tuple[MaskNetwork, dict[str, Any]]:
    """Read a network, ready for inference in float32, and its card."""
    header = read_header(path)
    network = _build_on_meta(path, header.config)
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    check_shapes(path, header, wanted)
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in header.shapes}
    _check_kinds(path, network, tensors)
    network.load_state_dict({name: _as_float32(x) for name, x in tensors.items()}, assign=True)
    return network.eval(), header.card


def _build_on_meta(path: Path, config: ModelConfig) -> MaskNetwork:
    """Build the network of a file's config without memory for its tensors."""
    try:
        with torch.device("meta"):
            return build(config)
    except ConfigError as error:
        raise WeightsError(f"{path}: its config cannot be built: {error}") from error


def _as_float32(tensor: Tensor) -> Tensor:
    """Return a tensor as networks hold it."""
    return tensor.float() if tensor.is_floating_point() else tensor


def _check_kinds(path: Path, network: MaskNetwork, tensors: Mapping[str, Tensor]) -> None:
    """Raise if a tensor holds another kind of numbers than its network computes with."""
    for name, wanted in network.state_dict().items():
        if tensors[name].is_floating_point() != wanted.is_floating_point():
            raise WeightsError(
                f"{path}: tensor {name} is of {tensors[name].dtype}, its network computes with "
                f"{wanted.dtype}; the file was put together wrongly, use another."
            )
