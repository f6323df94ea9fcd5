"""The processes of a run under torchrun, or the single one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from boxmask.models.network import MaskNetwork

T = TypeVar("T")

_PATIENCE = timedelta(days=1)


@dataclass(frozen=True)
class Processes:
    """Which process this is, of how many, and the device it computes on."""

    rank: int
    count: int
    device: torch.device
    machine: str = ""  # what tells the machines of a run apart
    leads: bool = True  # whether it is the first on its machine
    patient: distributed.ProcessGroup | None = None  # all of them; waits for as long as data takes

    @property
    def first(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """Add up the values of all processes."""
        if self.count > 1:
            values = values.to(self.device)
            distributed.all_reduce(values)
        return values.cpu()

    def union(self, texts: set[str]) -> set[str]:
        """Unite the texts of all processes."""
        every: list[set[str]] = [texts] * self.count
        if self.count > 1:
            distributed.all_gather_object(every, texts)
        return set().union(*every)

    def gather(self, value: T) -> list[T]:
        """Return the values of all processes, by their ranks, however long one takes to come."""
        every = [value] * self.count
        if self.count > 1:
            distributed.all_gather_object(every, value, group=self.patient)
        return every

    def wait(self) -> None:
        """Wait for all processes."""
        if self.count > 1:
            distributed.barrier()

    def wrap_ddp(self, network: MaskNetwork) -> nn.Module:
        """Wrap a network so that its gradients are averaged over all processes."""
        if self.count == 1:
            return network
        if self.device.type == "cuda":
            synchronised: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
            return DistributedDataParallel(synchronised, device_ids=[self.device.index])
        return DistributedDataParallel(network)


@contextmanager
def processes(device: str) -> Iterator[Processes]:
    """Join the processes that torchrun started; without it there is one."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    rank, local = int(os.environ.get("RANK", "0")), int(os.environ.get("LOCAL_RANK", "0"))
    place = torch.device(device)
    if place.type == "cuda":
        place = torch.device("cuda", place.index or local)
        torch.cuda.set_device(place)
    if count == 1:
        yield Processes(rank=0, count=1, device=place)
        return
    distributed.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        patient = distributed.new_group(backend="gloo", timeout=_PATIENCE)
        assert isinstance(patient, distributed.ProcessGroup)  # all processes are in it
        machine = os.environ.get("GROUP_RANK")  # without torchrun's word each is on its own
        leads = local == 0 or machine is None
        yield Processes(rank, count, place, machine or f"rank {rank}", leads, patient)
    finally:
        distributed.destroy_process_group()
