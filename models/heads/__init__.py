"""Mask heads by name: all of them map a box's crop to the logits of its mask.

A head of your own is a file with its body, or with the whole module, and one line of HEADS.
"""

from functools import partial

from torch import nn

from boxmask.errors import ConfigError
from boxmask.models.heads import dense, hourglass, residual
from boxmask.models.heads.dense import DenseHead
from boxmask.models.heads.fcn import build_fcn
from boxmask.models.heads.head import HeadSizes, HeadType, convolutional
from boxmask.models.heads.hourglass import HourglassBody
from boxmask.models.heads.residual import ResidualBody

__all__ = ["HEADS", "HeadSizes", "HeadType", "build_head", "convolutional"]

HEADS: dict[str, HeadType] = {
    "fcn": HeadType(build_fcn, always_upsamples=True),
    **{name: HeadType(partial(DenseHead, hidden)) for name, hidden in dense.HIDDEN.items()},
    **{name: convolutional(partial(ResidualBody, plan)) for name, plan in residual.PLANS.items()},
    **{name: convolutional(partial(HourglassBody, plan)) for name, plan in hourglass.PLANS.items()},
}


def build_head(name: str, sizes: HeadSizes) -> nn.Module:
    """Build the head `name`; with `sizes.fine` it takes the finer map beside the crops."""
    if name not in HEADS:
        raise ConfigError(f"no head is called {name!r}; known heads: {', '.join(sorted(HEADS))}.")
    if sizes.fine and not HEADS[name].sees_fine_map:
        known = ", ".join(sorted(name for name, head in HEADS.items() if head.sees_fine_map))
        raise ConfigError(f"window_masks needs another head than {name}, one of: {known}.")
    return HEADS[name].build(sizes)
