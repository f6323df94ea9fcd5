"""Do a run: teach a row, measure it on exact and on loose boxes, and note it."""

import math
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from contest import FLOORS, Run, Settings
from ledger import Boxes, Measured, Scores, append, write_boxes

from boxmask.errors import BoxmaskError
from boxmask.evaluate.job import EvaluateJob
from boxmask.evaluate.run import Evaluation, evaluate
from boxmask.splits import select
from boxmask.train.run import TrainJob, train


class Outcome(NamedTuple):
    """How a run ended."""

    text: str
    failed: bool


def work(run: Run, settings: Settings) -> Outcome:
    """Do a run, note it, and say so; one that fails is told of and left out."""
    start = time.perf_counter()
    folder = settings.out / "running" / run.name
    try:
        weights = None if run.row in FLOORS else _teach(run, settings, folder)
        measured = measure(run, weights, settings)
    except BoxmaskError as error:
        return Outcome(f"{run.name}: failed: {error}", True)
    append(settings.out, run, measured)
    shutil.rmtree(folder, ignore_errors=True)
    mean = sum(measured.exact.iou) / len(measured.exact.iou)
    took = time.perf_counter() - start
    return Outcome(f"{run.name}: {took:.0f} s, mean IoU {100 * mean:.1f}", False)


def _teach(run: Run, settings: Settings, folder: Path) -> Path:
    """Train, from where the run was stopped if it was; return the weights."""
    resume = (folder / "state.pt").exists()
    if not resume:
        shutil.rmtree(folder, ignore_errors=True)
    job = TrainJob(
        annotations=(settings.train,),
        images=(settings.images,),
        out=folder,
        resume=resume,
        threads=1,
        command="python examples/heads/rank.py",
    )
    train(job, run.recipe(settings), report=lambda entry: None)
    return folder / "last.safetensors"


def measure(run: Run, weights: Path | None, settings: Settings) -> Measured:
    """Measure the masks of all true boxes at the pixels of their images."""
    exact, loose = (
        evaluate(
            EvaluateJob(
                settings.val,
                weights=weights,
                baselines=(FLOORS[run.row],) if weights is None else (),
                images=settings.images,
                loosen=fraction,
                threads=1,
                workers=1,
            )
        )
        for fraction in (0.0, settings.loosen)
    )
    write_boxes(settings.out, _boxes(exact))
    return Measured(_scores(exact), _scores(loose))


def _scores(found: Evaluation) -> Scores:
    (system,) = found.systems
    expected = [None if math.isnan(value) else round(value, 4) for value in system.quality.tolist()]
    return Scores(
        [round(value, 4) for value in system.values["iou"].tolist()],
        [round(value, 4) for value in system.values["boundary_iou"].tolist()],
        expected,
    )


def _boxes(found: Evaluation) -> Boxes:
    instances = found.ground.instances
    voc = select("voc", found.ground.truth.categories)
    return Boxes(instances.image.tolist(), instances.category.tolist(), voc.tolist())
