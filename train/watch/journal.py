"""What a run writes down: a line of JSON for every report, and TensorBoard where it is there."""

import importlib.util
from collections.abc import Iterator
from typing import Any

import msgspec

from boxmask.train.run_folder import RunFolder

Entry = dict[str, Any]


class Journal:
    """The log of a run; going on from a step forgets what was written after it."""

    def __init__(self, folder: RunFolder, *, step: int) -> None:
        self.path = folder.log
        kept = [entry for entry in self.entries() if entry["step"] <= step]
        self.path.write_bytes(b"".join(msgspec.json.encode(entry) + b"\n" for entry in kept))
        self.board: Any = None
        if importlib.util.find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self.board = SummaryWriter(str(folder.path / "tensorboard"), purge_step=step + 1)

    def write(self, entry: Entry) -> None:
        """Add an entry; it names its step."""
        with self.path.open("ab") as file:
            file.write(msgspec.json.encode(entry) + b"\n")
        if self.board is not None:
            for name, value in entry.items():
                if name != "step" and isinstance(value, int | float):
                    self.board.add_scalar(name, value, entry["step"])

    def entries(self) -> Iterator[Entry]:
        """Read what was written; a line that a kill cut short is left out."""
        if not self.path.exists():
            return
        for line in self.path.read_bytes().splitlines():
            try:
                yield msgspec.json.decode(line)
            except msgspec.DecodeError:
                continue

    def last_scores(self) -> dict[str, float]:
        """Return what was measured last, nothing if that was never."""
        measured = [entry for entry in self.entries() if "miou_overall" in entry]
        aside = ("step", "left_out")
        return {k: v for k, v in measured[-1].items() if k not in aside} if measured else {}

    def close(self) -> None:
        """Finish what is still to be written."""
        if self.board is not None:
            self.board.close()
