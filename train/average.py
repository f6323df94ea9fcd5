"""Averaged weights: what validation measures and what is shipped."""

import copy

import torch

from boxmask.models.network import MaskNetwork


class Average:
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
