"""Turn the weights of a training run into the file that boxmask ships.

    python examples/bundle.py RUN/sixth/last.safetensors zoom-lite0.safetensors

Matrices are stored in half precision, and the card names the script in place of the folders of the
machine that trained. A second of work.
"""

import sys
from pathlib import Path

import torch

from boxmask.models.weights import load_network, save_network

COMMAND = "examples/train_bundled.sh DATA RUN"


def main(trained: Path, out: Path) -> None:
    """Write `out` from a run's weights."""
    network, card = load_network(trained)
    save_network(out, network, {**card, "command": COMMAND}, dtype=torch.float16)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
