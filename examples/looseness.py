"""Measure how well `annotate --tightness auto` finds out how loose boxes are.

    python examples/looseness.py instances_val.json --images DIR [--weights W]

The boxes of the file are moved by known errors, as by `boxmask eval --loosen`; of each, a sample is
measured as `annotate` does it. A line says the error, the spread that was found between the boxes
and the tight boxes of their masks, and the error that is concluded; boxmask/annotate/looseness.py
has the table that maps one to the other. About a minute on two cores.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from boxmask.annotate.events import Event
from boxmask.annotate.job import Job
from boxmask.annotate.looseness import measured_spread, tightness_of
from boxmask.annotate.network import load_annotator
from boxmask.annotate.run import open_scope
from boxmask.annotate.scope import Scope
from boxmask.annotate.told import told_by
from boxmask.evaluate.loosen import loosened

ERRORS = (0.0, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2)


def moved(scope: Scope, error: float) -> Scope:
    """Move the boxes of a scope by an error of their sides."""
    dataset = scope.dataset
    sizes = np.stack([dataset.widths, dataset.heights], axis=1)[dataset.image_index]
    boxes = loosened(
        dataset.boxes, list(dataset.annotation_ids), sizes.astype(float), fraction=error, seed=0
    )
    return replace(scope, dataset=replace(dataset, boxes=boxes))


def silent(event: Event) -> None:
    """Report no progress."""


def main() -> None:
    """Print a line for each error."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("boxes", type=Path)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    job = Job(
        boxes=options.boxes,
        images=options.images,
        weights=options.weights,
        out=options.boxes.with_suffix(".never"),
        overwrite=True,
    )
    scope = open_scope(job, told_by(job), silent)
    annotator = load_annotator(job, device="cpu", precision="fp32")
    for error in ERRORS:
        loose = moved(scope, error)
        spread = measured_spread(loose, annotator)
        found = None if spread is None else tightness_of(spread)
        print(f"error {error:.2f}: spread {spread or np.nan:.3f}, taken for {found}", flush=True)


if __name__ == "__main__":
    main()
