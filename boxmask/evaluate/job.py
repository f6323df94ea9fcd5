"""What to evaluate: the options of an evaluation, and which of them go together."""

from collections.abc import Callable
from dataclasses import dataclass, field
from os.path import realpath
from pathlib import Path

from boxmask.annotate.job import MAX_TIGHTNESS, Choice, Tightness, parse_tightness
from boxmask.cores import core_count
from boxmask.errors import ConfigError
from boxmask.evaluate.baselines import check_baseline
from boxmask.formats import BoxForm

_RESERVED_SPLITS = ("overall", "seen", "unseen")
Progress = Callable[[str, int, int], None]  # what is being done, how much of it, out of how much


@dataclass(frozen=True)
class EvaluateJob:
    """True masks, one or more sets of predictions, and the splits to score them by.

    Systems come in the order of these fields; the first is compared with each of the others.
    """

    ground_truth: Path
    predicted: tuple[Path, ...] = ()
    weights: Path | None = None  # a network to run over the true boxes
    against: tuple[Path, ...] = ()  # further predictions, for comparison
    baselines: tuple[str, ...] = ()  # box, ellipse, grabcut
    bbox: BoxForm = "auto"  # what the numbers of the boxes are, as in annotate
    images: Path | None = None  # the folder of photos, for the network and for GrabCut
    seen: str | None = None  # voc, non-voc, all, a file, or "person,dog"
    splits: dict[str, str] = field(default_factory=dict)  # name -> further splits, written alike
    loosen: float = 0.0  # side error of the boxes that network and baselines see, in sides
    loosen_seed: int = 0
    loosen_out: Path | None = None  # where the ground truth goes with the boxes that they see
    tightness: Tightness = "auto"  # what the network is told; auto is what --loosen says
    neighbours: Choice = "auto"  # whether it is shown the other boxes
    flip: bool = False  # ask the network twice, once mirrored
    device: str = "auto"
    threads: int | None = None  # of the network, on a CPU; None for as many as there are idle cores
    keep: Path | None = None  # where the network's masks go; None forgets them
    workers: int = field(default_factory=core_count)

    @property
    def looks_at_images(self) -> bool:
        """Whether anything in this evaluation needs the photos."""
        return self.weights is not None or "grabcut" in self.baselines

    def validate(self) -> None:
        """Raise a ConfigError for options that do not go together, before any work is done."""
        if not (self.predicted or self.weights or self.against or self.baselines):
            raise ConfigError(
                "nothing to evaluate: give a file of predictions, --weights with --images, "
                "or --baseline."
            )
        if self.weights and not self.images:
            raise ConfigError("--weights looks at the photos: add --images DIR.")
        self._check_loosening()
        parse_tightness(str(self.tightness))
        if (self.tightness, self.neighbours) != ("auto", "auto") and not self.weights:
            raise ConfigError("--tightness and --neighbours are for a network: add --weights.")
        for name in self.baselines:
            check_baseline(name, self.images)
        for name in self.splits:
            if name in _RESERVED_SPLITS:
                raise ConfigError(f"a split cannot be named {name!r}: that one is always there.")

    def _check_loosening(self) -> None:
        if not 0 <= self.loosen <= MAX_TIGHTNESS:
            raise ConfigError(
                f"--loosen is {self.loosen}; give a number from 0 to {MAX_TIGHTNESS}."
            )
        if self.loosen and not (self.weights or self.baselines or self.loosen_out):
            raise ConfigError(
                "--loosen moves the boxes that --weights and --baseline see; predictions in a file "
                "have theirs already. Add one of these, or --loosen-out to predict from."
            )
        if self.loosen_out is None:
            return
        if not self.loosen:
            raise ConfigError("--loosen-out writes the boxes that --loosen has moved: add that.")
        read = (self.ground_truth, *self.predicted, *self.against, self.weights, self.keep)
        if realpath(self.loosen_out) in {realpath(path) for path in read if path is not None}:
            raise ConfigError(
                f"{self.loosen_out}: --loosen-out is another file of this evaluation; "
                "give another name."
            )
        if self.loosen_out.exists():
            raise ConfigError(f"{self.loosen_out}: is there already; give another --loosen-out.")
        if not self.loosen_out.absolute().parent.is_dir():
            raise ConfigError(f"{self.loosen_out.parent}: no such folder; --loosen-out goes there.")


def no_progress(what: str, done: int, total: int) -> None:
    """Report no progress."""
