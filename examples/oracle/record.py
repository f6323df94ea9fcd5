"""Keep what the tests need of what `authors.py OUT` has written.

    python examples/oracle/record.py OUT tests/recorded CASE ...

The numbers of a network follow from their keys, so what is kept is the keys, the shapes, the
objects, and a part of the logits.
"""

import sys
from pathlib import Path

import msgspec
import numpy as np

from boxmask.published.checkpoint import Checkpoint
from boxmask.published.objects import GRAPH_KEY

IMAGE = "square"
FOUND = ("found", "found_scores", "found_classes")  # by Deep-MAC's detector
BOXES, EVERY = 3, 4  # of the logits: the first boxes, and each fourth row and column


def main() -> None:
    """Record the cases."""
    out, folder, cases = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    for case in cases:
        checkpoint = Checkpoint(out / case / "ckpt-0")
        shapes = {key: entry.shape for key, entry in checkpoint.entries.items() if key != GRAPH_KEY}
        answers = np.load(out / case / "answers.npz")
        logits = answers[f"{IMAGE}.logits"]
        found = {key: answers[f"{IMAGE}.{key}"] for key in FOUND if f"{IMAGE}.{key}" in answers}
        np.savez_compressed(
            folder / f"{case}.npz",
            shapes=np.frombuffer(msgspec.json.encode(shapes), np.uint8),
            objects=np.frombuffer(checkpoint.text(GRAPH_KEY), np.uint8),
            logits=logits[:BOXES, ::EVERY, ::EVERY],
            spread=logits.std(),
            **found,
        )


if __name__ == "__main__":
    main()
