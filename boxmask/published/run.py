"""Import a published model: from the authors' checkpoint to a weights file."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from boxmask.errors import ConfigError
from boxmask.models.config import ModelConfig
from boxmask.models.weights import save_network
from boxmask.published.checkpoint import Checkpoint
from boxmask.published.convert import convert
from boxmask.published.families import Recognised
from boxmask.published.places import checkpoint_at
from boxmask.version import __version__

PAGES = {
    "Deep-MAC": "github.com/tensorflow/models, research/object_detection/g3doc/deepmac.md",
    "Deep-MARC": "github.com/tensorflow/models, official/projects/deepmac_maskrcnn",
}
_LICENCE = (
    "Apache-2.0 is that of the Model Garden, whose pages offer the checkpoints; they name no other "
    "for the numbers. Learnt from photographs of COCO, which are under their owners' terms."
)
_IMAGE_SIZES = {"spinenet49": 640, "hourglass104": 1024, "spinenet143": 1280}
_USUAL_SIZE = 1024


@dataclass(frozen=True)
class Imported:
    """What was imported."""

    title: str
    config: ModelConfig
    parameters: int
    size_known: bool
    """Whether the settings or the user named the image size."""


def import_weights(
    source: Path, out: Path, *, image_size: int | None = None, half: bool = False
) -> Imported:
    """Write the model of a checkpoint to `out`; with `half` its matrices in half precision."""
    if out.exists():
        raise ConfigError(f"{out} is there already; give another name, or remove it.")
    if not out.parent.is_dir():
        raise ConfigError(f"{out.parent}: no such folder; make it, or give another name.")
    with checkpoint_at(source, room=out.parent) as (prefix, named):
        recognised = Recognised(Checkpoint(prefix))
        size = image_size or named
        config = replace(recognised.config, image_size=size or _usual_size(recognised.config))
        network = convert(recognised, config)
    card = _card(source, recognised.family.title, config)
    save_network(out, network, card, dtype=torch.float16 if half else None)
    count = sum(parameter.numel() for parameter in network.parameters())
    return Imported(recognised.family.title, config, count, size is not None)


def _usual_size(config: ModelConfig) -> int:
    return _IMAGE_SIZES.get(config.backbone, _USUAL_SIZE)


def _card(source: Path, title: str, config: ModelConfig) -> dict[str, Any]:
    """Say where the numbers come from, and whose they are."""
    return {
        "command": "boxmask import",
        "version": __version__,
        "model": f"{title}, {config.backbone} with {config.head}",
        "source": source.name,
        "authors": "Birodkar, Lu, Li, Rathod, Huang: The surprising impact of mask-head "
        "architecture on novel class segmentation, ICCV 2021",
        "hosted": PAGES[title],
        "license": _LICENCE,
    }
