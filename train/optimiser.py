"""Parameter groups, optimisers, and the learning rate over the steps."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW
from torch.optim.optimizer import Optimizer

from boxmask.train.recipe import Optimiser

_OPTIMISERS: dict[str, Callable[[list[dict[str, object]], Optimiser], Optimizer]] = {
    "adam": lambda groups, c: Adam(groups, lr=c.lr, betas=c.betas, eps=c.epsilon),
    "adamw": lambda groups, c: AdamW(groups, lr=c.lr, betas=c.betas, eps=c.epsilon),
    "sgd": lambda groups, c: SGD(groups, lr=c.lr, momentum=c.momentum),
}


def build_optimiser(network: nn.Module, config: Optimiser) -> Optimizer:
    """Build the optimiser over four groups: backbone or not, decayed or not."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        backbone = name.startswith("backbone.")
        if backbone and config.freeze_backbone:
            parameter.requires_grad_(False)
        if not parameter.requires_grad:
            continue
        # Norms and biases are the parameters with one axis: a rule, not a list of names.
        groups.setdefault((backbone, parameter.dim() > 1), []).append(parameter)
    return _OPTIMISERS[config.name](
        [
            {
                "params": parameters,
                "weight_decay": config.weight_decay if decayed else 0.0,
                "scale": config.backbone_lr if backbone else 1.0,
            }
            for (backbone, decayed), parameters in groups.items()
        ],
        config,
    )


def rate(config: Optimiser, step: int, *, steps: int) -> float:
    """Return the factor on the learning rate at a step counted from 0.

    A pure function of the step, so that a resumed run continues it exactly.
    """
    if step < config.warm_up:
        return config.warm_up_from + (1 - config.warm_up_from) * step / config.warm_up
    if config.schedule == "steps":
        return float(0.1 ** sum(step >= drop for drop in config.drops))
    if config.schedule == "constant":
        return 1.0
    done = (step - config.warm_up) / max(1, steps - config.warm_up)
    return config.final + (1 - config.final) * 0.5 * (1 + math.cos(math.pi * done))


def set_rate(optimiser: Optimizer, config: Optimiser, *, step: int, steps: int) -> float:
    """Set every group's learning rate for a step and return the head's."""
    lr = config.lr * rate(config, step, steps=steps)
    for group in optimiser.param_groups:
        group["lr"] = lr * group["scale"]
    return lr


def clip(parameters: Iterable[nn.Parameter], limit: float | None) -> float:
    """Limit the norm of all gradients together; return what it was."""
    largest = float("inf") if limit is None else limit
    return float(torch.nn.utils.clip_grad_norm_(list(parameters), largest))
