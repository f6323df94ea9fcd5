"""Turn the weights of training runs into the file that boxmask ships.

    python examples/bundle.py RUN/fifteenth/last.safetensors RUN/fourteenth/last.safetensors \
        zoom-tinyvit.safetensors

Tensors are the mean over the runs, which scored better than either of two on one path. A
run with a shallower head takes part as `train --init` would take it over into the first one.
Matrices are stored in half precision, and the card names the script in place of the folders of the
machine that trained. A second of work.
"""

import sys
from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor

from boxmask.models import MaskNetwork
from boxmask.models.warm_start import start_from
from boxmask.models.weights import load_network, save_network

COMMAND = "examples/train_bundled.sh DATA RUN"


def mean_tensors(network: MaskNetwork, others: list[MaskNetwork]) -> dict[str, Tensor]:
    """Return the mean of a network's tensors and those of others taken over into it."""
    states = [network.state_dict()]
    for other in others:
        taken = deepcopy(network)
        start_from(taken, other)
        states.append(taken.state_dict())
    return {
        name: torch.stack([state[name] for state in states]).mean(dim=0)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in states[0].items()
    }


def main(trained: list[Path], out: Path) -> None:
    """Write `out` from the weights of runs."""
    network, card = load_network(trained[0])
    network.load_state_dict(mean_tensors(network, [load_network(path)[0] for path in trained[1:]]))
    save_network(out, network, {**card, "command": COMMAND}, dtype=torch.float16)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    *runs, target = (Path(argument) for argument in sys.argv[1:])
    main(runs, target)
