"""Do a run: teach a row, measure it on exact and on loose boxes, and note it."""

import time
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from contest import FLOORS, Run, Settings
from ledger import Measured, Scores, append, write_boxes
from scoring import measure, read_truth
from teaching import register, teach

from boxmask.errors import BoxmaskError
from boxmask.evaluate.job import EvaluateJob
from boxmask.evaluate.run import evaluate


class Outcome(NamedTuple):
    """How a run ended."""

    text: str
    failed: bool


def work(run: Run, settings: Settings) -> Outcome:
    """Do a run, note it, and say so; one that fails is told of and left out."""
    torch.set_num_threads(1)
    register()
    start = time.perf_counter()
    try:
        write_boxes(settings.out, read_truth(settings).described())
        floor = FLOORS.get(run.row)
        measured = _floor(floor, settings) if floor else measure(teach(run, settings), settings)
    except BoxmaskError as error:
        return Outcome(f"{run.name}: failed: {error}", True)
    append(settings.out, run, measured)
    mean = sum(measured.exact.iou) / len(measured.exact.iou)
    took = time.perf_counter() - start
    return Outcome(f"{run.name}: {took:.0f} s, mean IoU {100 * mean:.1f}", False)


def _floor(name: str, settings: Settings) -> Measured:
    """Measure what needs no learning."""
    exact, loose = (
        evaluate(
            EvaluateJob(
                settings.val,
                baselines=(name,),
                images=settings.images,
                loosen=fraction,
                workers=1,
            )
        ).systems[0]
        for fraction in (0.0, settings.loosen)
    )
    return Measured(*(_scores(system.values) for system in (exact, loose)))


def _scores(values: dict[str, npt.NDArray[np.float64]]) -> Scores:
    iou, boundary = values["iou"].round(4).tolist(), values["boundary_iou"].round(4).tolist()
    return Scores(iou, boundary, [None] * len(iou))
