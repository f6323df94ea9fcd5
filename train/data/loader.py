"""Batches made ahead of time by worker processes, in the order of the steps."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_all_start_methods, get_context, parent_process
from multiprocessing.context import BaseContext
from threading import Thread

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from boxmask.errors import BoxmaskError, ConfigError
from boxmask.train.data.batch import Batch
from boxmask.train.data.batch_dataset import BatchDataset
from boxmask.train.distributed import Processes
from boxmask.train.recipe import TrainConfig

_AHEAD = 4  # batches that each worker prepares ahead


@dataclass(frozen=True)
class _PartSampler(Sampler[int]):
    """The numbers of the parts that one process computes, from a step on."""

    first: int
    steps: int
    accumulate: int
    processes: Processes

    def __iter__(self) -> Iterator[int]:
        for step in range(self.first, self.steps):
            for part in range(self.accumulate):
                yield (step * self.accumulate + part) * self.processes.count + self.processes.rank

    def __len__(self) -> int:
        return (self.steps - self.first) * self.accumulate


def check_parts(config: TrainConfig, processes: int) -> int:
    """Return how many parts a step's batch is computed in; they must be equal."""
    parts = config.accumulate * processes
    if config.batch % parts:
        raise ConfigError(
            f"a batch of {config.batch} cannot be cut into {config.accumulate} parts for each of "
            f"{processes} processes; choose a batch that is a multiple of {parts}."
        )
    return parts


def iterate_steps(
    examples: BatchDataset, config: TrainConfig, *, first: int, processes: Processes
) -> Iterator[list[Batch]]:
    """Yield the parts of each step from a step on."""
    parts = _PartSampler(first, config.steps, config.accumulate, processes)
    loader = DataLoader(
        _ErrorsAsItems(examples),
        batch_size=None,
        sampler=parts,
        num_workers=config.workers,
        prefetch_factor=_AHEAD if config.workers else None,
        worker_init_fn=_begin_worker,
        multiprocessing_context=_worker_context() if config.workers else None,
    )
    batches = iter(loader)
    for _ in range(first, config.steps):
        yield [_raise_if_error(next(batches)) for _ in range(config.accumulate)]


def _worker_context() -> BaseContext:
    """Return how workers start: as forks of a process that has imported all they need, and no more.

    A fork of this process, which has run torch threads, may hang. Where there is no such server,
    each worker imports PyTorch by itself.
    """
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([BatchDataset.__module__])
    return context


class _ErrorsAsItems(Dataset[Batch | BoxmaskError]):
    """BatchDataset whose errors are handed over: raised in a worker, they come as a traceback."""

    def __init__(self, examples: BatchDataset) -> None:
        self.examples = examples

    def __getitem__(self, part: int) -> Batch | BoxmaskError:
        try:
            return self.examples[part]
        except BoxmaskError as error:
            return error


def _raise_if_error(batch: Batch | BoxmaskError) -> Batch:
    if isinstance(batch, BoxmaskError):
        raise batch
    return batch


def _begin_worker(worker: int) -> None:
    # Workers share the cores with the training itself: threads of their own would only get in its
    # way.
    torch.set_num_threads(1)
    Thread(target=_end_with_training, daemon=True).start()


def _end_with_training() -> None:
    """End this worker with the process that trains: its own parent is the server of forks, which
    ends with its last worker."""
    training = parent_process()
    if training is not None:
        training.join()
        os._exit(1)
