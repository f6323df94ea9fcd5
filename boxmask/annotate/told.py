"""What a network is told of the boxes beside the boxes: decided once, and then part of the plan."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
from safetensors import SafetensorError, safe_open

from boxmask.annotate.job import Job, option, weights_file
from boxmask.annotate.plan import Plan, Setting
from boxmask.data import format_of
from boxmask.errors import ConfigError, InputError
from boxmask.formats import FORMATS


@dataclass(frozen=True)
class Told:
    """What the network is told of every box."""

    tightness: float  # expected side error in sides of the box, 0 for exact
    neighbours: bool  # where the other boxes of the image are


def recorded(job: Job, plan: Plan | None) -> float | None:
    """Return the tightness that a plan was begun with, if the job leaves it open."""
    found = plan.settings.get(option("tightness")) if plan is not None else None
    return float(found) if job.tightness == "auto" and found is not None else None


def told_by(job: Job) -> Told | None:
    """Decide what a job's network is told, by the format of its boxes where the job leaves it open.

    The tightness is then only what is taken where it cannot be measured (looseness.py).

    None if it has no ear for either; then it is an error to ask for more than exact boxes.
    """
    weights = weights_file(job)
    if not can_be_told(weights):
        _refuse(job, weights)
        return None
    if "auto" not in (job.tightness, job.neighbours):
        return Told(float(job.tightness), neighbours=job.neighbours == "on")
    format = FORMATS[format_of(job.boxes, job.reading)]
    return Told(
        tightness=format.side_error if job.tightness == "auto" else float(job.tightness),
        neighbours=format.neighbours if job.neighbours == "auto" else job.neighbours == "on",
    )


def settings_of_told(told: Told | None) -> dict[str, Setting]:
    """Name what was decided, as the command line spells it; None where nothing can be told."""
    tightness = None if told is None else told.tightness
    neighbours = None if told is None else "on" if told.neighbours else "off"
    return {option("tightness"): tightness, option("neighbours"): neighbours}


def can_be_told(weights: Path) -> bool:
    """Tell whether a weights file holds a network with window masks, without PyTorch.

    A file that cannot be read has none; whoever loads it says what is wrong with it.
    """
    if not weights.is_file():
        raise InputError(f"{weights}: no such weights file.")
    try:
        with safe_open(weights, framework="np") as file:
            member = (file.metadata() or {}).get("boxmask", "{}")
        return msgspec.json.decode(member, type=_Member).config.window_masks
    except (SafetensorError, msgspec.DecodeError):
        return False


class _Config(msgspec.Struct):
    window_masks: bool = False


class _Member(msgspec.Struct):
    config: _Config = msgspec.field(default_factory=_Config)


def _refuse(job: Job, weights: Path) -> None:
    given = {}
    if job.tightness != "auto" and job.tightness > 0:
        given["tightness"] = str(job.tightness)
    if job.neighbours == "on":
        given["neighbours"] = "on"
    for name, value in given.items():
        raise untellable(weights, option(name), value)


def untellable(weights: Path, option: str, value: str) -> ConfigError:
    """Return the error that a network was to be told what it has no ear for."""
    return ConfigError(
        f"{weights}: {option} is {value}, but this network has no window masks and "
        f"cannot be told. Leave {option} out, or give the weights of one that has."
    )
