"""All that a run needs to go on exactly: weights, their average, the optimiser, the step.

There is no random state to keep: whatever is random is seeded by the step it belongs to.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.optim.optimizer import Optimizer

from boxmask.durable import replacing
from boxmask.errors import RunError
from boxmask.models.network import MaskNetwork
from boxmask.train.average import Average


@dataclass
class State:
    """A run after some number of steps."""

    network: MaskNetwork
    average: Average
    optimiser: Optimizer
    step: int = 0
    best: float = float("-inf")

    def save(self, path: Path) -> None:
        """Write the state, so that the file is whole at every moment."""
        with replacing(path) as stream:
            torch.save(self._plain(), stream)

    def load(self, path: Path) -> None:
        """Go on from a saved state."""
        try:
            saved = torch.load(path, map_location="cpu", weights_only=True)
            self.network.load_state_dict(saved["network"])
            self.average.network.load_state_dict(saved["average"] or saved["network"])
            self.optimiser.load_state_dict(saved["optimiser"])
            self.step, self.best = saved["step"], saved["best"]
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            raise RunError(f"{path}: cannot be resumed from: {error}") from error

    def _plain(self) -> dict[str, Any]:
        averaged = self.average.decay is not None
        return {
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict() if averaged else None,
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "best": self.best,
        }
