"""The engine of a single process: this one."""

from collections.abc import Iterator

from boxmask.annotate.engines.base import Engine, OnBoxes, Parts
from boxmask.annotate.task import Task
from boxmask.annotate.workload import Inputs


def run_here(inputs: Inputs) -> Engine:
    """Make parts one after the other in this process."""

    def run(tasks: Iterator[Task], on_boxes: OnBoxes) -> Parts:
        for task in tasks:
            # Here, because importing PyTorch takes longer than finding that no task is left.
            from boxmask.annotate.shards import run_shard

            yield task, run_shard(task.workload, task.shard, inputs.network, on_boxes)

    return run
