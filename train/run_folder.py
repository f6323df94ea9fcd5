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

import msgspec

from boxmask.durable import digest, replace_file
from boxmask.errors import ConfigError, RunError
from boxmask.ours import is_there
from boxmask.train.data.sources import Source
from boxmask.train.recipe import TrainConfig
from boxmask.train.recipe_text import from_json, to_json
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
            self._check_recipe(config)
            self._check_data(inputs)
            return
        if resume:
            raise RunError(
                f"{self.path}: there is no run to go on with. Leave --resume out to begin one, or "
                "give the --out of the run."
            )
        self._refuse_foreign()
        self.path.mkdir(parents=True, exist_ok=True)
        for path, text in (
            (self.data, msgspec.json.format(msgspec.json.encode(inputs), indent=2)),
            (self.config, to_json(config).encode()),
        ):
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

    def _check_recipe(self, config: TrainConfig) -> None:
        # Batches are functions of their number, whoever makes them and however much is kept.
        kept = replace(
            from_json(self.config.read_bytes()), workers=config.workers, cache_gib=config.cache_gib
        ).in_pixels()
        config = config.in_pixels()
        if kept != config:
            before, now = to_json(kept).splitlines(), to_json(config).splitlines()
            pairs = zip(before, now, strict=False)
            changes = [f"{a.strip()} is now {b.strip()}" for a, b in pairs if a != b]
            raise RunError(
                f"{self.config}: the recipe has changed, so the run cannot be resumed: "
                f"{'; '.join(changes)}. Give the options it began with, or another --out."
            )


def _read_inputs(text: bytes) -> Inputs:
    return msgspec.json.decode(text, type=Inputs)


def _recipe(text: bytes) -> TrainConfig:
    """Read a recipe that was written by us: to the last byte as we write it."""
    config = from_json(text)
    if to_json(config).encode() != text:
        raise ConfigError("this is not as a run writes it.")
    return config


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
