"""All that a run needs to go on exactly: weights, their average, the optimiser, the step.

There is no random state to keep: whatever is random is seeded by the step it belongs to.
"""

import copy
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.optim.optimizer import Optimizer

from boxmask.durable import replace_file
from boxmask.errors import RunError
from boxmask.models.network import MaskNetwork

# What reading a file that is no state, or not a whole one, raises.
_UNUSABLE = (
    OSError,
    EOFError,
    RuntimeError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    pickle.UnpicklingError,
)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]


class EMA:
    """An exponential moving average of a network; without a decay, the network itself."""

    def __init__(self, network: MaskNetwork, decay: float | None) -> None:
        self.decay = decay
        self.network = network
        if decay is not None:
            self.network = copy.deepcopy(network).requires_grad_(False)

    @torch.no_grad()
    def update(self, network: MaskNetwork, *, step: int) -> None:
        """Take in the weights after a step; the first steps count more than the decay says."""
        if self.decay is None:
            return
        decay = min(self.decay, (1 + step) / (10 + step))
        theirs = network.state_dict()
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                value.lerp_(theirs[name], 1 - decay)
            else:
                value.copy_(theirs[name])


@dataclass
class State:
    """A run after some number of steps."""

    network: MaskNetwork
    ema: EMA
    optimiser: Optimizer
    step: int = 0
    best: float = float("-inf")

    def save(self, path: Path) -> None:
        """Write the state, so that the file is whole at every moment."""
        with replace_file(path) as stream:
            torch.save(self._plain(), stream)

    def load(self, path: Path) -> None:
        """Go on from a saved state."""
        try:
            saved = torch.load(path, map_location="cpu", weights_only=True)
            self.network.load_state_dict(saved["network"])
            self.ema.network.load_state_dict(saved["average"] or saved["network"])
            self.optimiser.load_state_dict(saved["optimiser"])
            self.step, self.best = saved["step"], saved["best"]
        except _UNUSABLE as error:
            raise RunError(
                f"{path}: cannot be resumed from, it is damaged or of another network "
                f"({_first_line(error)}). Begin a new run in another --out; --init "
                f"{path.with_name('last.safetensors')} starts from its last weights."
            ) from error

    def _plain(self) -> dict[str, Any]:
        averaged = self.ema.decay is not None
        return {
            "network": self.network.state_dict(),
            "average": self.ema.network.state_dict() if averaged else None,
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "best": self.best,
        }
