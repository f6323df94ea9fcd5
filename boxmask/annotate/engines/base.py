"""What an engine is, and what it knows of a run beside the tasks."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from typing import Self

from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.parts import Part
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

    @classmethod
    def of(cls, inputs: Inputs) -> Self:
        """Return what a run has settled on."""
        return cls(replace(inputs.job, threads=inputs.threads), inputs.device, inputs.precision)

    def inputs(self, place: int) -> Inputs:
        """Return inputs whose network is that of the process number `place` on its machine."""
        return Inputs(self.job, _own_device(self.device, place), self.precision, lambda event: None)


def _own_device(device: str, place: int) -> str:
    """Deal the GPUs of a machine out, unless one is named."""
    if device != "cuda":
        return device
    import torch

    return f"cuda:{place % torch.cuda.device_count()}"
