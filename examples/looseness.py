"""Measure how well `annotate --tightness auto` finds out how loose boxes are.

    python examples/looseness.py instances_val.json --images DIR [--weights W] [--write]

The boxes of the file are moved by known errors, as by `boxmask eval --loosen`; of each, a sample is
measured as `annotate` does it. A line says the error, the spread that was found between the boxes
and the tight boxes of their masks, and the error that is concluded. With --write the errors and
spreads go into the card of the weights file, from where `annotate` takes them: measure on
photographs that the weights did not learn from. About a minute on two cores.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from boxmask.annotate.events import Event
from boxmask.annotate.hints import hints_without_measuring
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.tightness import CARD_KEY, measure_spread, tightness_from_spread
from boxmask.annotate.workload import Inputs, Workload, open_workload
from boxmask.bundled import BUNDLED
from boxmask.evaluate.loosen import loosened
from boxmask.models.header import read_header
from boxmask.models.weights import replace_card

ERRORS = (0.0, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2)


def moved(workload: Workload, error: float) -> Workload:
    """Move the boxes of a workload by an error of their sides."""
    dataset = workload.dataset
    sizes = np.stack([dataset.widths, dataset.heights], axis=1)[dataset.image_index]
    boxes = loosened(
        dataset.boxes, list(dataset.annotation_ids), sizes.astype(float), fraction=error, seed=0
    )
    return replace(workload, dataset=replace(dataset, boxes=boxes))


def silent(event: Event) -> None:
    """Report no progress."""


def main() -> None:
    """Print a line for each error."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("boxes", type=Path)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--write", action="store_true", help="put the rows into the weights file")
    options = parser.parse_args()
    job = AnnotateJob(
        boxes=options.boxes,
        images=options.images,
        weights=options.weights,
        out=options.boxes.with_suffix(".never"),
        overwrite=True,
    )
    inputs = Inputs(job, "cpu", "fp32", silent)
    workload = open_workload(inputs, hints_without_measuring(job))
    spreads = []
    for error in ERRORS:
        spread = measure_spread(moved(workload, error), inputs.network)
        if spread is None:
            raise SystemExit(f"error {error:.2f}: too few good masks to measure the spread of.")
        found = tightness_from_spread(spread, inputs.network.card)
        print(f"error {error:.2f}: spread {spread:.4f}, taken for {found}", flush=True)
        spreads.append(round(spread, 4))
    if options.write:
        write_rows(options.weights or BUNDLED, spreads)


def write_rows(weights: Path, spreads: list[float]) -> None:
    """Put errors and their spreads, made to rise, into the card of a weights file."""
    rows = {"errors": list(ERRORS), "spreads": np.maximum.accumulate(spreads).tolist()}
    replace_card(weights, {**read_header(weights).card, CARD_KEY: rows})


if __name__ == "__main__":
    main()
