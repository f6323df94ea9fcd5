"""Engines: who makes the parts of a run. All of them make the same bytes.

An engine is a function of tasks and of one that counts boxes. It takes tasks as it can use them,
and yields each with its part, in any order.
"""

from boxmask.annotate.engines.base import Engine
from boxmask.annotate.engines.here import run_here
from boxmask.annotate.workload import Inputs

__all__ = ["Engine", "engine_of"]


def engine_of(inputs: Inputs, tasks: int) -> Engine:
    """Return the engine that a job is done with, where so many tasks are left."""
    if inputs.job.engine == "ray" and tasks:
        from boxmask.annotate.engines.ray import run_on_ray

        return run_on_ray(inputs)
    workers = min(inputs.job.workers, tasks)
    if workers <= 1:
        return run_here(inputs)
    from boxmask.annotate.engines.workers import run_in_workers

    return run_in_workers(inputs, workers)
