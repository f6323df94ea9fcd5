"""The learning rate as a pure function of the step, so that a resumed run continues it exactly."""

import math

from boxmask.train.config import Optimiser


def rate(config: Optimiser, step: int, *, steps: int) -> float:
    """Return the factor on the learning rate at a step counted from 0."""
    if step < config.warm_up:
        return config.warm_up_from + (1 - config.warm_up_from) * step / config.warm_up
    if config.schedule == "steps":
        return float(0.1 ** sum(step >= drop for drop in config.drops))
    if config.schedule == "constant":
        return 1.0
    done = (step - config.warm_up) / max(1, steps - config.warm_up)
    return config.final + (1 - config.final) * 0.5 * (1 + math.cos(math.pi * done))
