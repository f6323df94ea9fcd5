"""Networks, their parts and weights files, as plain rows for tables and programs."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from boxmask.errors import WeightsError
from boxmask.models.backbones import BACKBONES, PYRAMIDS
from boxmask.models.config import ModelConfig
from boxmask.models.cost import Cost, backbone_cost, head_cost, network_cost
from boxmask.models.header import read_header
from boxmask.models.heads import HEADS
from boxmask.models.presets import PRESETS

Row = dict[str, Any]

# The heads and backbones are priced as the parts of this network.
_REFERENCE = ModelConfig(family="deepmac")


def list_presets() -> list[Row]:
    """List whole networks by name."""
    return [_row(name, network_cost(config), config) for name, config in PRESETS.items()]


def list_heads() -> list[Row]:
    """List the heads as Deep-MAC has them: 50 channels of 32 x 32 in, 64 base channels."""
    rows = []
    for name, head in HEADS.items():
        mask = 2 * _REFERENCE.crop_size if head.always_upsamples else _REFERENCE.mask_size
        config = replace(_REFERENCE, head=name, mask_size=mask)
        rows.append({"name": name, **asdict(head_cost(config))})
    return rows


def list_backbones() -> list[Row]:
    """List the backbones: per image of 1024 x 1024, and per box as Zoom uses them."""
    rows = []
    for name in BACKBONES:
        cost = backbone_cost(replace(_REFERENCE, backbone=name))
        zoom = backbone_cost(ModelConfig(backbone=name))
        families = ["deepmac", *["deepmarc"] * (name in PYRAMIDS), "zoom"]
        rows.append(
            {"name": name, **asdict(replace(cost, per_box=zoom.per_box)), "families": families}
        )
    return rows


def list_weights(path: Path) -> list[Row]:
    """List a weights file, or those in a folder; what cannot be read says why."""
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    return [_weights_row(file) for file in files]


def _weights_row(path: Path) -> Row:
    """Describe one weights file."""
    try:
        header = read_header(path)
    except WeightsError as error:
        return {"name": path.name, "error": str(error)}
    cost = network_cost(header.config)
    return {**_row(path.name, cost, header.config), "card": header.card}


def _row(name: str, cost: Cost, config: ModelConfig) -> Row:
    """Describe one network."""
    keys = ("family", "backbone", "head", "detector")
    parts = {key: getattr(config, key) for key in keys}
    made_of = ", ".join(part for part in parts.values() if part is not None)
    sizes = {"mask_size": config.mask_size, **asdict(cost)}
    return {"name": name, "made_of": made_of, **parts, **sizes}
