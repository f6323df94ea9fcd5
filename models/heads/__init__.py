"""Mask heads by name: all of them map a box's crop to the logits of its mask.

A head of your own is a file with its body, or with the whole module, and one line of HEADS.
"""

from functools import partial

from torch import nn

from boxmask.errors import ConfigError
from boxmask.models.heads import dense, hourglass, residual
from boxmask.models.heads.c4 import C4Head
from boxmask.models.heads.cascade import CascadeHead
from boxmask.models.heads.cpmask import CPMaskHead
from boxmask.models.heads.dense import DenseHead
from boxmask.models.heads.fcn import build_fcn
from boxmask.models.heads.fcn8 import FCN8Head
from boxmask.models.heads.fcn_classes import ClassesHead
from boxmask.models.heads.fcn_mlp import FCNMLPHead
from boxmask.models.heads.head import Classes, HeadSizes, HeadType, convolutional
from boxmask.models.heads.hourglass import HourglassBody
from boxmask.models.heads.htc import HTCHead
from boxmask.models.heads.maskx import MaskXHead
from boxmask.models.heads.mlp import MLPHead
from boxmask.models.heads.psp import PSPBody
from boxmask.models.heads.residual import ResidualBody
from boxmask.models.heads.shapemask import ShapeMaskHead
from boxmask.models.heads.taught import Answer, Aside
from boxmask.models.heads.yolact import YOLACTHead

__all__ = [
    "HEADS",
    "Answer",
    "Aside",
    "Classes",
    "HeadSizes",
    "HeadType",
    "build_head",
    "convolutional",
]

HEADS: dict[str, HeadType] = {
    "fcn": HeadType(build_fcn, always_upsamples=True),
    **{name: HeadType(partial(DenseHead, hidden)) for name, hidden in dense.HIDDEN.items()},
    **{name: convolutional(partial(ResidualBody, plan)) for name, plan in residual.PLANS.items()},
    **{name: convolutional(partial(HourglassBody, plan)) for name, plan in hourglass.PLANS.items()},
    "c4": HeadType(C4Head),
    "mlp": HeadType(MLPHead),
    "fcn-mlp": HeadType(FCNMLPHead, always_upsamples=True),
    "fcn-classes": HeadType(ClassesHead, always_upsamples=True),
    "maskx": HeadType(MaskXHead, always_upsamples=True),
    "fcn8": HeadType(FCN8Head),
    "psp": convolutional(PSPBody),
    "yolact": HeadType(YOLACTHead),
    "shapemask": HeadType(ShapeMaskHead),
    "cpmask": HeadType(CPMaskHead, always_upsamples=True),
    "htc3": HeadType(HTCHead, always_upsamples=True),
    "cascade-mask": HeadType(CascadeHead, always_upsamples=True),
}


def build_head(name: str, sizes: HeadSizes) -> nn.Module:
    """Build the head `name`; with `sizes.fine` it takes the finer map beside the crops."""
    if name not in HEADS:
        raise ConfigError(f"no head is called {name!r}; known heads: {', '.join(sorted(HEADS))}.")
    if sizes.fine and not HEADS[name].sees_fine_map:
        known = ", ".join(sorted(name for name, head in HEADS.items() if head.sees_fine_map))
        raise ConfigError(f"window_masks needs another head than {name}, one of: {known}.")
    return HEADS[name].build(sizes)
