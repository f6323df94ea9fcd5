"""What an engine is, and what it knows of a run beside the tasks."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from typing import Self

from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.parts import Part
from boxmask.annotate.runtime import TORCH
from boxmask.annotate.task import Task
from boxmask.annotate.workload import Inputs

OnBoxes = Callable[[int], None]  # so many boxes more are done; fewer, where work was lost
Parts = Generator[tuple[Task, Part], None, None]
Engine = Callable[[Iterator[Task], OnBoxes], Parts]


@dataclass(frozen=True)
class Setup:
    """What another process needs to load the network as this one would."""

    job: AnnotateJob
    device: str
    precision: str
    runtime: str = TORCH

    @classmethod
    def of(cls, inputs: Inputs) -> Self:
        """Return what a run has settled on."""
        job = replace(inputs.job, threads=inputs.threads)
        return cls(job, inputs.device, inputs.precision, inputs.runtime)

    def inputs(self, place: int) -> Inputs:
        """Return inputs whose network is that of the process number `place` on its machine."""
        device = _own_device(self.device, place)
        return Inputs(self.job, device, self.precision, lambda event: None, runtime=self.runtime)


def _own_device(device: str, place: int) -> str:
    """Deal the GPUs of a machine out, unless one is named."""
    if device != "cuda":
        return device
    import torch

    return f"cuda:{place % torch.cuda.device_count()}"
