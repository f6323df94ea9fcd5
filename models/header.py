"""What a weights file says about itself; needs neither its tensors nor PyTorch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from safetensors import SafetensorError, safe_open

from boxmask.errors import ConfigError, WeightsError
from boxmask.models.config import ModelConfig
from boxmask.unreadable import UNREADABLE

# One member holds everything, because the order of several is not kept from file to file.
METADATA_KEY = "boxmask"
# How files of PyTorch begin: a zip archive, or a bare pickle.
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"
_OF_A_RUN = ("best.safetensors", "last.safetensors")  # in the folder of a training run


class Header(NamedTuple):
    """What a weights file says about itself, without its tensors."""

    config: ModelConfig
    card: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]


def require_weights(path: Path) -> None:
    """Raise WeightsError unless a weights file is there; of a run folder, name the one in it."""
    if path.is_dir():
        within = next((path / name for name in _OF_A_RUN if (path / name).is_file()), None)
        told = f"give {within}" if within else "give a file that `boxmask train` wrote"
        raise WeightsError(f"{path}: a folder, no weights file; {told}.")
    if not path.is_file():
        raise WeightsError(f"{path}: no such weights file.")


def read_header(path: Path) -> Header:
    """Read a file's config, card and tensor shapes; cheap, whatever its size."""
    require_weights(path)
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise WeightsError(f"{path}: {_explain_broken(path, error)}") from error
    if METADATA_KEY not in metadata:
        raise WeightsError(
            f"{path}: safetensors without boxmask's config in its metadata; "
            "only files that boxmask wrote can be used."
        )
    config, card = _parse_metadata(path, metadata[METADATA_KEY])
    return Header(config, card, shapes)


def _explain_broken(path: Path, error: Exception) -> str:
    """Say in words why a file is not safetensors."""
    with path.open("rb") as file:
        start = file.read(9)
    # Safetensors begin with the length of their header, eight bytes of which the first may be a
    # pickle's, and then the header.
    header = start[8:] in (b"{", b"")
    if start.startswith(_ZIP) or (start.startswith(_PICKLE) and not header):
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


def check_shapes(path: Path, header: Header, wanted: Mapping[str, tuple[int, ...]]) -> None:
    """Raise if the tensors of the file are not those that its own config asks for."""
    found, config = header.shapes, header.config
    for name in [*wanted, *sorted(set(found) - set(wanted))]:
        if wanted.get(name) != found.get(name):
            raise WeightsError(
                f"{path}: tensor {name} is {_describe_shape(found.get(name))} in the file and "
                f"{_describe_shape(wanted.get(name))} in its config ({config.backbone}, "
                f"{config.head}); the file was put together wrongly, use another."
            )


def _describe_shape(shape: tuple[int, ...] | None) -> str:
    """Name a shape in an error."""
    return "absent" if shape is None else f"of shape {shape}"
