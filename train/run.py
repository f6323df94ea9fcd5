"""One call of `boxmask train`: files to collections, collections to the loop, all in a folder."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from boxmask.cores import network_threads
from boxmask.disk import explain_disk_errors
from boxmask.formats import BoxForm
from boxmask.models.device import choose_device
from boxmask.train.data.classes import with_classes
from boxmask.train.data.collection import Collection
from boxmask.train.data.sources import Source, open_sources
from boxmask.train.distributed import processes
from boxmask.train.loop import fit
from boxmask.train.recipe import TrainConfig
from boxmask.train.run_folder import Inputs, RunFolder, files
from boxmask.train.sharing import once_a_machine
from boxmask.train.watch.card import Provenance, describe_sources
from boxmask.train.watch.recorder import Recorder
from boxmask.train.watch.validation import Validation, spaced_items

Sources = tuple[Source, ...]

_GIB = 1 << 30


@dataclass(frozen=True)
class TrainJob:
    """Data, folders and machine of a run: what is no part of its recipe."""

    annotations: tuple[Path, ...]
    images: tuple[Path, ...]
    out: Path
    val: tuple[Path, ...] = ()
    val_images: tuple[Path, ...] = ()
    init: Path | None = None
    resume: bool = False
    device: str = "auto"
    threads: int | None = None
    bbox: BoxForm = "auto"  # what the numbers of all boxes are, as in annotate
    command: str = "boxmask train"


def train(
    job: TrainJob, config: TrainConfig, *, report: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Train by a recipe on a job's data; return the last scores, in the first process."""
    with explain_disk_errors(job.out, "give --resume to go on from the last state saved"):
        return _train(job, config, report)


def _train(
    job: TrainJob, config: TrainConfig, report: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    torch.set_num_threads(job.threads or network_threads())
    # Each worker keeps images of its own.
    cache_bytes = int(config.cache_gib * _GIB) // max(1, config.workers)
    with processes(choose_device(job.device)) as group:
        sources, measured = once_a_machine(partial(_read, job, config), group)
        config = replace(config, model=with_classes(config.model, sources))
        collection = Collection(
            sources,
            min_side=config.min_side,
            cache_bytes=cache_bytes,
            holdout_every=0 if job.val else config.holdout,
        )
        validation = _open_validation(job, config, sources, measured)
        recorder = Recorder(
            RunFolder(job.out),
            provenance=_provenance(job, config, collection, validation),
            validation=validation,
            processes=group,
            report=report,
        )
        inputs = partial(_inputs, sources, measured)
        recorder.open(config, inputs=inputs, resume=job.resume)
        state = fit(config, collection, recorder=recorder, processes=group, init=job.init)
        if not group.first:
            return {}
    return {
        "steps": state.step,
        "best": state.best if math.isfinite(state.best) else None,
        "scores": recorder.scores,
        "left_out": len(recorder.left_out()),
    }


def _read(job: TrainJob, config: TrainConfig) -> tuple[Sources, Sources]:
    """Read the files to learn from, and those to measure on, if there are any of their own."""
    learnt = open_sources(job.annotations, job.images, seen=config.seen, bbox=job.bbox)
    if not job.val:
        return learnt, ()
    # The masks of all classes are known there.
    return learnt, open_sources(job.val, job.val_images or job.images, seen="all", bbox=job.bbox)


def _inputs(learnt: Sources, measured: Sources) -> Inputs:
    return Inputs(files(learnt), files(measured))


def _provenance(
    job: TrainJob, config: TrainConfig, collection: Collection, validation: Validation | None
) -> Provenance:
    return Provenance(
        command=job.command,
        data=describe_sources(collection, boxes_teach=config.model.detector is not None),
        validation=describe_sources(validation.collection) if validation is not None else (),
        recipe=msgspec.to_builtins(config),
    )


def _open_validation(
    job: TrainJob, config: TrainConfig, sources: Sources, measured: Sources
) -> Validation | None:
    """Open the data to measure on; the masks of all its classes are known there."""
    if not job.val and not config.holdout:
        return None
    measured = measured or tuple(replace(one, seen=np.ones_like(one.seen)) for one in sources)
    collection = Collection(
        measured,
        min_side=0.0,
        cache_bytes=int(config.cache_gib * _GIB) // 4,
        holdout_every=0 if job.val else config.holdout,
        held_out=True,
    )
    learnt = {name for source in sources for name in source.class_names(seen=True)}
    names = [name for source in measured for name in source.class_names(seen=True)]
    return Validation(
        collection,
        spaced_items(collection, config.validate_images),
        np.array([name in learnt for name in names]),
    )
