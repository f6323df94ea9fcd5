"""The run folder: what a training run leaves behind.

config.json         the recipe
data.json           the annotation files, by their digests
log.jsonl           every report, a line each
state.pt            what a run goes on from
last.safetensors    the latest weights
best.safetensors    the best weights by validation
MODEL_CARD.md       what a user of the weights must know
curves.png          losses and IoU over the steps
samples.png         masks over the steps, the truth on top
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from boxmask.durable import digest, replace_file
from boxmask.errors import ConfigError, RunError
from boxmask.ours import is_there
from boxmask.train.data.sources import Source
from boxmask.train.recipe import TrainConfig
from boxmask.train.recipe_text import differences, from_json, to_json
from boxmask.unreadable import UNREADABLE

# What a run writes besides its log, which is empty or makes it a run that was begun.
_NAMES = (
    "config.json",
    "data.json",
    "state.pt",
    "last.safetensors",
    "best.safetensors",
    "MODEL_CARD.md",
    "curves.png",
    "samples.png",
    "samples",
)
_GROUPS = {"model", "augment", "loss", "optimiser"}


class File(msgspec.Struct, frozen=True):
    """An annotation file and which of its classes are seen; its folder may move."""

    name: str
    sha256: str
    seen: tuple[str, ...]


class Inputs(msgspec.Struct, frozen=True):
    """All annotation files of a run, in their order."""

    learnt: tuple[File, ...]
    measured: tuple[File, ...] = ()

    def changes(self, now: "Inputs") -> list[str]:
        """Say what is no longer as it was."""
        return [
            *_changes("annotation files", self.learnt, now.learnt),
            *_changes("validation files", self.measured, now.measured),
        ]


@dataclass(frozen=True)
class RunFolder:
    """The files of a run by name."""

    path: Path

    @property
    def config(self) -> Path:
        """The recipe."""
        return self.path / "config.json"

    @property
    def data(self) -> Path:
        """The annotation files, by their digests."""
        return self.path / "data.json"

    @property
    def log(self) -> Path:
        """Every report, a line each."""
        return self.path / "log.jsonl"

    @property
    def state(self) -> Path:
        """What a run goes on from."""
        return self.path / "state.pt"

    @property
    def last(self) -> Path:
        """The latest weights."""
        return self.path / "last.safetensors"

    @property
    def samples(self) -> Path:
        """A strip of sample masks for every validation."""
        return self.path / "samples"

    def open(self, config: TrainConfig, *, inputs: Inputs, resume: bool) -> None:
        """Begin a run, or check that one can be continued."""
        if self._begun():
            if not resume:
                raise RunError(
                    f"{self.path} holds a run already; --resume goes on with it, another --out "
                    "begins a new one."
                )
            began = self._check_recipe(config)
            self._check_data(inputs)
            if config.steps > began.steps:
                self._write(self.config, to_json(config).encode())
            return
        if resume:
            raise RunError(
                f"{self.path}: there is no run to go on with. Leave --resume out to begin one, or "
                "give the --out of the run."
            )
        self._refuse_foreign()
        self.path.mkdir(parents=True, exist_ok=True)
        self._write(self.data, msgspec.json.format(msgspec.json.encode(inputs), indent=2))
        self._write(self.config, to_json(config).encode())

    def _write(self, path: Path, text: bytes) -> None:
        with replace_file(path) as stream:
            stream.write(text)

    def _begun(self) -> bool:
        """Tell whether a run got anywhere; one that failed at once leaves nothing to lose."""
        said = self.log.exists() and self.log.stat().st_size > 0
        return self.config.exists() and (said or self.state.exists())

    def _refuse_foreign(self) -> None:
        """Raise RunError if files are here that no run of ours has left that failed at once."""
        begun = _is_read_by(_recipe, self.config), _is_read_by(_read_inputs, self.data)
        ours = dict(zip((self.config, self.data), begun, strict=True))
        for name in () if all(begun) else _NAMES:
            path = self.path / name
            if is_there(path) and not ours.get(path):
                raise RunError(
                    f"{path} is there already, and not of a run that can be resumed; give another "
                    "--out."
                )

    def _check_data(self, inputs: Inputs) -> None:
        try:
            changes = _read_inputs(self.data.read_bytes()).changes(inputs)
        except (OSError, *UNREADABLE) as error:
            raise RunError(
                f"{self.data}: cannot tell whether the run began with these annotation files: "
                f"{error}; begin a new one in another --out."
            ) from error
        if changes:
            raise RunError(
                f"{self.data}: the data has changed, so the run cannot be resumed: "
                f"{'; '.join(changes)}. Give the files it began with, or another --out."
            )

    def _check_recipe(self, config: TrainConfig) -> TrainConfig:
        """Return the recipe that the run has; raise RunError if another cannot go on with it."""
        began = from_json(self.config.read_bytes())
        # Batches are functions of their number, whoever makes them and however much is kept.
        kept = replace(began, workers=config.workers, cache_gib=config.cache_gib)
        if not kept.optimiser.ends_with_steps:
            kept = replace(kept, steps=max(kept.steps, config.steps))
        changed = differences(kept.in_pixels(), config.in_pixels())
        if changed:
            remedy = "Give the options it began with, or another --out."
            if kept.optimiser.ends_with_steps and kept.steps != config.steps:
                remedy = (
                    "Its learning rate falls over all its steps, so their number cannot change: "
                    f"give it as it was, or another --out, where --init {self.last} begins with "
                    "the weights of this run."
                )
            raise RunError(
                f"{self.config}: the recipe has changed, so the run cannot be resumed: "
                f"{'; '.join(changed)}. {remedy}"
            )
        return began


def _read_inputs(text: bytes) -> Inputs:
    return msgspec.json.decode(text, type=Inputs)


def _recipe(text: bytes) -> TrainConfig:
    """Read a recipe that was written by us: to the last byte as we write it, now or before.

    An earlier boxmask had fewer options; somebody else's file has not all four groups.
    """
    config, fields = from_json(text), msgspec.json.decode(text)
    written = msgspec.json.format(msgspec.json.encode(fields), indent=2) + b"\n"
    known = msgspec.json.decode(msgspec.json.encode(config))
    if written != text or not fields.keys() >= _GROUPS or not _is_part(fields, known):
        raise ConfigError("this is not as a run writes it.")
    return config


def _is_part(some: Any, of: Any) -> bool:
    """Tell whether JSON is the same but for names that it lacks."""
    if isinstance(some, dict) and isinstance(of, dict):
        return all(name in of and _is_part(some[name], of[name]) for name in some)
    return bool(some == of)


def _is_read_by(read: Callable[[bytes], object], path: Path) -> bool:
    """Tell whether a file is what `read` reads."""
    try:
        read(path.read_bytes())
    except (OSError, ConfigError, *UNREADABLE):
        return False
    return True


def files(sources: Sequence[Source]) -> tuple[File, ...]:
    """Describe annotation files."""
    return tuple(
        File(source.dataset.path.name, digest(source.dataset.path), source.class_names(seen=True))
        for source in sources
    )


def _changes(what: str, before: Sequence[File], now: Sequence[File]) -> list[str]:
    if len(before) != len(now):
        return [f"there were {len(before)} {what}, now there are {len(now)}"]
    said = []
    for old, new in zip(before, now, strict=True):
        if old.sha256 != new.sha256:
            renamed = f", now {new.name}," if new.name != old.name else ""
            said.append(f"{old.name}{renamed} holds other bytes than before")
        elif old.seen != new.seen:
            said.append(f"other classes of {old.name} are seen than before")
    return said
