"""Hints: what a network with window masks is told of the boxes beside the boxes.

They are decided once, and then part of the plan.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec
from safetensors import SafetensorError, safe_open

from boxmask.annotate.job import AnnotateJob, resolve_weights
from boxmask.data import format_of
from boxmask.errors import ConfigError
from boxmask.export import flag
from boxmask.formats import FORMATS
from boxmask.models.header import require_weights
from boxmask.unreadable import UNREADABLE


@dataclass(frozen=True)
class Hints:
    """What the network knows of every box."""

    tightness: float  # expected side error in sides of the box, 0 for exact
    neighbours: bool  # where the other boxes of the image are


def hints_without_measuring(job: AnnotateJob) -> Hints | None:
    """Return the hints of a job; what it leaves open is decided by the format of its boxes.

    The tightness is then what is taken where it cannot be measured (tightness.py). None if the
    network takes no hints; then it is an error to ask for more than exact boxes.
    """
    weights = resolve_weights(job)
    if not takes_hints(weights):
        _raise_if_hinted(job, weights)
        return None
    if "auto" not in (job.tightness, job.neighbours):
        return Hints(float(job.tightness), neighbours=job.neighbours == "on")
    format = FORMATS[format_of(job.boxes, job.reading)]
    return Hints(
        tightness=format.side_error if job.tightness == "auto" else float(job.tightness),
        neighbours=format.neighbours if job.neighbours == "auto" else job.neighbours == "on",
    )


def takes_hints(weights: Path) -> bool:
    """Tell whether a weights file holds a network with window masks, without PyTorch.

    A file that cannot be read has none; loading it says what is wrong with it.
    """
    require_weights(weights)
    try:
        with safe_open(weights, framework="np") as file:
            metadata = (file.metadata() or {}).get("boxmask", "{}")
        return msgspec.json.decode(metadata, type=_Metadata).config.window_masks
    except (SafetensorError, *UNREADABLE):
        return False


class _Config(msgspec.Struct):
    window_masks: bool = False


class _Metadata(msgspec.Struct):
    config: _Config = msgspec.field(default_factory=_Config)


def cannot_take_hints(weights: Path, name: str, value: object) -> ConfigError:
    """Return the error that a hint is given, as the option `name`, to a network that takes none."""
    return ConfigError(
        f"{weights}: {name} is {value}, but this network has no window masks and "
        f"cannot be told. Leave {name} out, or give the weights of one that has."
    )


def _raise_if_hinted(job: AnnotateJob, weights: Path) -> None:
    if job.tightness != "auto" and job.tightness > 0:
        raise cannot_take_hints(weights, flag("tightness"), job.tightness)
    if job.neighbours == "on":
        raise cannot_take_hints(weights, flag("neighbours"), job.neighbours)
