"""What there is to choose from, as plain rows for tables and programs."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from boxmask.errors import WeightsError
from boxmask.models.backbones import BACKBONES, PYRAMIDS
from boxmask.models.config import ModelConfig
from boxmask.models.cost import Cost, backbone_cost, head_cost, network_cost
from boxmask.models.heads import HEADS
from boxmask.models.presets import PRESETS
from boxmask.models.weights import read_header

Row = dict[str, Any]

WHOLE = ModelConfig(family="deepmac")


def presets() -> list[Row]:
    """List whole networks by name."""
    return [row(name, network_cost(config), config) for name, config in PRESETS.items()]


def heads() -> list[Row]:
    """List the heads as Deep-MAC has them: 50 channels of 32 x 32 in, 64 base channels."""
    rows = []
    for name in HEADS:
        mask = 2 * WHOLE.crop_size if name == "fcn" else WHOLE.mask_size
        config = replace(WHOLE, head=name, mask_size=mask)
        rows.append({"name": name, **asdict(head_cost(config))})
    return rows


def backbones() -> list[Row]:
    """List the backbones: per image of 1024 x 1024, and per box as Zoom uses them."""
    rows = []
    for name in BACKBONES:
        cost = backbone_cost(replace(WHOLE, backbone=name))
        zoom = backbone_cost(ModelConfig(backbone=name))
        families = ["deepmac", *["deepmarc"] * (name in PYRAMIDS), "zoom"]
        rows.append(
            {"name": name, **asdict(replace(cost, per_box=zoom.per_box)), "families": families}
        )
    return rows


def weights(path: Path) -> list[Row]:
    """List a weights file, or those in a folder; what cannot be read says why."""
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    return [weights_row(file) for file in files]


def weights_row(path: Path) -> Row:
    """Describe one weights file."""
    try:
        header = read_header(path)
    except WeightsError as error:
        return {"name": path.name, "error": str(error)}
    cost = network_cost(header.config)
    return {**row(path.name, cost, header.config), "card": header.card}


def row(name: str, cost: Cost, config: ModelConfig) -> Row:
    """Describe one network."""
    parts = {key: getattr(config, key) for key in ("family", "backbone", "head", "mask_size")}
    made_of = f"{config.family}, {config.backbone}, {config.head}"
    return {"name": name, "made_of": made_of, **parts, **asdict(cost)}
