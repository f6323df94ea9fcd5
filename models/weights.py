"""Weights files: safetensors with the config and a model card inside; nothing executes on load."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import Tensor

from boxmask.durable import replace_file
from boxmask.errors import ConfigError, WeightsError
from boxmask.models.config import ModelConfig
from boxmask.models.network import MaskNetwork, build
from boxmask.unreadable import UNREADABLE

# One member holds everything, because the order of several is not kept from file to file.
_METADATA_KEY = "boxmask"
# How files of PyTorch begin: a zip archive, or a bare pickle.
_PICKLES = (b"PK\x03\x04", b"\x80")


class Header(NamedTuple):
    """What a weights file says about itself, without its tensors."""

    config: ModelConfig
    card: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]


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
    metadata = {_METADATA_KEY: msgspec.json.encode(member, order="sorted").decode()}
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
    _check_shapes(path, network, header.shapes)
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


def read_header(path: Path) -> Header:
    """Read a file's config, card and tensor shapes; cheap, whatever its size."""
    if not path.is_file():
        raise WeightsError(f"{path}: no such weights file.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise WeightsError(f"{path}: {_explain_broken(path, error)}") from error
    if _METADATA_KEY not in metadata:
        raise WeightsError(
            f"{path}: safetensors without boxmask's config in its metadata; "
            "only files that boxmask wrote can be used."
        )
    config, card = _parse_metadata(path, metadata[_METADATA_KEY])
    return Header(config, card, shapes)


def _explain_broken(path: Path, error: Exception) -> str:
    """Say in words why a file is not safetensors."""
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(_PICKLES):
        return (
            "a PyTorch pickle, which could run code when loaded; boxmask reads safetensors only, "
            "as written by `boxmask train`."
        )
    if not start:
        return "the file is empty; fetch or write it again."
    return f"truncated or not safetensors ({error}); fetch or write it again."


def _parse_metadata(path: Path, text: str) -> tuple[ModelConfig, dict[str, Any]]:
    """Read boxmask's member of the metadata."""
    try:
        member = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        config = ModelConfig.from_json(bytes(member["config"]).decode())
        card = msgspec.json.decode(member["card"], type=dict[str, Any])
    except (*UNREADABLE, KeyError, ConfigError) as error:
        raise WeightsError(f"{path}: its metadata cannot be used: {error}") from error
    return config, card


def _check_shapes(path: Path, network: MaskNetwork, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise if the tensors of the file are not those that its own config asks for."""
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    for name in [*wanted, *sorted(set(shapes) - set(wanted))]:
        if wanted.get(name) != shapes.get(name):
            raise WeightsError(
                f"{path}: tensor {name} is {_describe_shape(shapes.get(name))} in the file and "
                f"{_describe_shape(wanted.get(name))} in its config ({network.config.backbone}, "
                f"{network.config.head}); the file was put together wrongly, use another."
            )


def _check_kinds(path: Path, network: MaskNetwork, tensors: Mapping[str, Tensor]) -> None:
    """Raise if a tensor holds another kind of numbers than its network computes with."""
    for name, wanted in network.state_dict().items():
        if tensors[name].is_floating_point() != wanted.is_floating_point():
            raise WeightsError(
                f"{path}: tensor {name} is of {tensors[name].dtype}, its network computes with "
                f"{wanted.dtype}; the file was put together wrongly, use another."
            )


def _describe_shape(shape: tuple[int, ...] | None) -> str:
    """Name a shape in an error."""
    return "absent" if shape is None else f"of shape {shape}"
