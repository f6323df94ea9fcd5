"""What a run says of itself between two reports: losses, rate, time waited, time left."""

import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from boxmask.train.data.batch import Batch
from boxmask.train.distributed import Processes

Terms = dict[str, Tensor]


class Progress:
    """Sums since the last report. Losses stay on the device until they are reported."""

    def __init__(self, steps: int, processes: Processes) -> None:
        self.steps = steps
        self.processes = processes
        self.left_out: set[str] = set()  # in this process since the last report
        self.told: set[str] = set()  # in all processes before
        self.clear()

    def clear(self) -> None:
        """Begin again after a report."""
        self.began = time.perf_counter()
        self.waited = 0.0
        self.boxes = 0
        self.done = 0
        self.sums: Terms = {}

    def timed(self, steps: Iterator[list[Batch]]) -> Iterator[list[Batch]]:
        """Pass on the parts of each step, counting boxes and the time spent waiting for them."""
        while True:
            asked = time.perf_counter()
            parts = next(steps, None)
            self.waited += time.perf_counter() - asked
            if parts is None:
                return
            self.boxes += sum(len(part.weights) for part in parts)
            self.left_out.update(reason for part in parts for reason in part.left_out)
            yield parts

    def add(self, terms: list[Terms]) -> None:
        """Add the losses of the parts of a step."""
        self.done += 1
        for part in terms:
            for name, value in part.items():
                self.sums[name] = self.sums.get(name, torch.zeros(())).to(value.device) + value

    def entry(self, step: int, **more: float) -> dict[str, Any]:
        """Sum up the steps since the last report over all processes and begin again."""
        taken = time.perf_counter() - self.began
        counted = torch.tensor([self.boxes, *(float(value) for value in self.sums.values())])
        boxes, *sums = self.processes.sum(counted.double()).tolist()
        means = {name: value / self.done for name, value in zip(self.sums, sums, strict=True)}
        entry = {
            "step": step,
            "loss": sum(means.values()),
            **means,
            **more,
            "seconds_per_step": taken / self.done,
            "boxes_per_second": boxes / taken,
            "waiting": self.waited / taken,
            "seconds_left": (self.steps - step) * taken / self.done,
        }
        self.clear()
        left_out = sorted(self._new_left_out())
        return entry | {"left_out": left_out} if left_out else entry

    def _new_left_out(self) -> set[str]:
        new = self.processes.union(self.left_out) - self.told
        self.told |= new
        self.left_out = set()
        return new
