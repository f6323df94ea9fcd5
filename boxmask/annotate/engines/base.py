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

    def inputs(self) -> Inputs:
        """Return inputs whose network is that of this setup."""
        return Inputs(
            self.job, self.device, self.precision, lambda event: None, runtime=self.runtime
        )
