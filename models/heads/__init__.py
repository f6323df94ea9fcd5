"""Mask heads by name: all of them map a box's crop to the logits of its mask.

Shapes: N boxes, C channels, R crop side, M mask side (R, or 2R through the enlarging tail).
"""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from boxmask.errors import ConfigError
from boxmask.models.heads import dense, hourglass, residual
from boxmask.models.heads.fcn import PlainBody
from boxmask.models.heads.hourglass import HourglassBody
from boxmask.models.heads.residual import ResidualBody, ResidualPlan
from boxmask.models.heads.tail import Enlarge, FineEnlarge, Project
from boxmask.models.hourglass import HourglassPlan

Builder = Callable[..., nn.Module]


class FineHead(nn.Sequential):
    """A body and a tail that is shown the backbone's finer map."""

    def forward(self, crops: Tensor, fine: Tensor) -> Tensor:  # type: ignore[override]
        """Map (N,C,R,R) and (N,F,2R,2R) to logits (N,2R,2R)."""
        body, tail = self
        logits: Tensor = tail(body(crops), fine)
        return logits


def head(
    body: HourglassBody | ResidualBody, base: int, *, crop: int, mask: int, fine: int
) -> nn.Module:
    """Put the tail on a body that the mask side asks for, and that a finer map does."""
    if fine:
        return FineHead(body, FineEnlarge(body.channels, base, fine))
    tail = Project(body.channels) if mask == crop else Enlarge(body.channels, base)
    return nn.Sequential(body, tail)


def build_hourglass(
    plan: HourglassPlan, inputs: int, base: int, *, crop: int, mask: int, fine: int = 0
) -> nn.Module:
    """Build an hourglass head."""
    return head(HourglassBody(plan, inputs, base), base, crop=crop, mask=mask, fine=fine)


def build_residual(
    plan: ResidualPlan, inputs: int, base: int, *, crop: int, mask: int, fine: int = 0
) -> nn.Module:
    """Build a ResNet head."""
    return head(ResidualBody(plan, inputs, base), base, crop=crop, mask=mask, fine=fine)


def build_plain(inputs: int, base: int, *, crop: int, mask: int) -> nn.Module:
    """Build the Mask R-CNN head, which always enlarges."""
    body = PlainBody(inputs, base)
    return nn.Sequential(body, Enlarge(body.channels, body.channels))


HEADS: dict[str, Builder] = {
    "fcn": build_plain,
    **{name: partial(dense.DenseHead, hidden) for name, hidden in dense.HIDDEN.items()},
    **{name: partial(build_residual, plan) for name, plan in residual.PLANS.items()},
    **{name: partial(build_hourglass, plan) for name, plan in hourglass.PLANS.items()},
}


def build_head(
    name: str, inputs: int, *, base: int, crop: int, mask: int, fine: int = 0
) -> nn.Module:
    """Build the head `name` for crops (N,inputs,crop,crop) and logits (N,mask,mask).

    With `fine` it is also given that many channels of twice the crop's side.
    """
    if name not in HEADS:
        raise ConfigError(f"no head is called {name!r}; known heads: {', '.join(sorted(HEADS))}")
    if not fine:
        return HEADS[name](inputs, base, crop=crop, mask=mask)
    if name not in hourglass.PLANS | residual.PLANS:
        raise ConfigError(f"window_masks needs an hourglass or resnet head, not {name}")
    return HEADS[name](inputs, base, crop=crop, mask=mask, fine=fine)
