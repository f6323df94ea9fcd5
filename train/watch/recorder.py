"""What the first process of a run writes and says: reports, validations, weights, images."""

from collections.abc import Callable
from typing import Any

from boxmask.durable import replace_file
from boxmask.models.weights import save_network
from boxmask.train.distributed import Processes
from boxmask.train.recipe import TrainConfig
from boxmask.train.run_folder import Inputs, RunFolder
from boxmask.train.state import State
from boxmask.train.watch.card import Provenance, card, card_text, opening_report
from boxmask.train.watch.curves import draw_curves
from boxmask.train.watch.journal import Journal
from boxmask.train.watch.sample_sheet import add_strip, remove_strips_after
from boxmask.train.watch.validation import Validation

Report = Callable[[dict[str, Any]], None]


class Recorder:
    """Keeps the run folder; in all processes but the first it does nothing."""

    def __init__(
        self,
        folder: RunFolder,
        *,
        provenance: Provenance,
        validation: Validation | None,
        processes: Processes,
        report: Report,
    ) -> None:
        self.folder = folder
        self.provenance = provenance
        self.validation = validation
        self.processes = processes
        self.on_report = report
        self.journal: Journal | None = None
        self.scores: dict[str, float] = {}
        self.resumes = False

    def open(self, config: TrainConfig, *, inputs: Callable[[], Inputs], resume: bool) -> None:
        """Begin or continue the folder, once for all processes."""
        if self.processes.first:
            self.folder.open(config, inputs=inputs(), resume=resume)
        self.processes.wait()
        self.resumes = resume and self.folder.state.exists()

    def begin(self, state: State) -> None:
        """Say what is learnt from; open the log at the step that the run goes on from."""
        if self.processes.first:
            self.on_report(opening_report(self.provenance, step=state.step))
            self.journal = Journal(self.folder, step=state.step)
            self.scores = self.journal.last_scores()
            remove_strips_after(self.folder, state.step)
            if self.validation is not None and not state.step:
                add_strip(self.folder, self.validation, state.network, step=0)

    def report(self, entry: dict[str, Any]) -> None:
        """Log an entry and pass it on."""
        if self.journal is not None:
            self.journal.write(entry)
            self.on_report(entry)

    def validate(self, state: State) -> None:
        """Measure the averaged weights; keep them if they are the best so far."""
        if self.journal is not None and self.validation is not None:
            network = state.ema.network
            outcome = self.validation.measure(network, self.processes.device)
            self.scores = outcome.scores()
            left_out = sorted(self.validation.collection.left_out - self.left_out())
            more = {"left_out": left_out} if left_out else {}
            self.report({"step": state.step, **self.scores, **more})
            # The best is chosen by seen classes alone: the unseen ones are there to be surprised.
            if self.scores.get("miou_seen", 0.0) > state.best:
                state.best = self.scores["miou_seen"]
                self._weights(state, "best")
            add_strip(self.folder, self.validation, network, step=state.step)
        self.processes.wait()

    def save(self, state: State) -> None:
        """Write the state to go on from, and what a person looks at meanwhile."""
        if self.journal is not None:
            state.save(self.folder.state)
            self._weights(state, "last")
            draw_curves(list(self.journal.entries()), self.folder.path / "curves.png")
        self.processes.wait()

    def left_out(self) -> set[str]:
        """Return why images or masks could not be used, ever since the run began."""
        entries = self.journal.entries() if self.journal is not None else ()
        return {reason for entry in entries for reason in entry.get("left_out", ())}

    def _weights(self, state: State, name: str) -> None:
        content = card(
            self.provenance,
            step=state.step,
            scores=self.scores,
            left_out=len(self.left_out()),
        )
        save_network(self.folder.path / f"{name}.safetensors", state.ema.network, content)
        with replace_file(self.folder.path / "MODEL_CARD.md") as stream:
            stream.write(card_text(content).encode())
