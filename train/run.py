"""The run folder: what a training run leaves behind.

config.json         the recipe
log.jsonl           every report, a line each
state.pt            what a run goes on from
last.safetensors    the latest weights
best.safetensors    the best weights by validation
MODEL_CARD.md       what a user of the weights must know
curves.png          losses and IoU over the steps
samples.png         masks over the steps, the truth on top
"""

from dataclasses import dataclass
from pathlib import Path

from boxmask.durable import replacing
from boxmask.errors import RunError
from boxmask.train.config import TrainConfig
from boxmask.train.settings import from_json, to_json


@dataclass(frozen=True)
class RunFolder:
    """The files of a run by name."""

    path: Path

    @property
    def config(self) -> Path:
        """The recipe."""
        return self.path / "config.json"

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

    def open(self, config: TrainConfig, *, resume: bool) -> None:
        """Begin a run, or check that one can be continued."""
        if self.config.exists():
            if not resume:
                raise RunError(
                    f"{self.path} holds a run already; --resume goes on with it, another --out "
                    "begins a new one"
                )
            self._check_same(config)
            return
        self.path.mkdir(parents=True, exist_ok=True)
        with replacing(self.config) as stream:
            stream.write(to_json(config).encode())

    def _check_same(self, config: TrainConfig) -> None:
        kept = from_json(self.config.read_bytes())
        if kept != config:
            before, now = to_json(kept).splitlines(), to_json(config).splitlines()
            pairs = zip(before, now, strict=False)
            changes = [f"{a.strip()} is now {b.strip()}" for a, b in pairs if a != b]
            raise RunError(
                f"{self.config}: the recipe has changed, so the run cannot be resumed: "
                f"{'; '.join(changes)}. Give the options it began with, or another --out."
            )
