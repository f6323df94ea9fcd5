"""Warm starts: a network begins with the weights of another one, where the two have the same parts.

A module that differs from what the other network has in its place says itself, in `start_from`,
what it takes from that. All other modules are copied child by child.
"""

from collections.abc import Collection
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn


class MisfitError(Exception):
    """A module cannot take the weights of the one in its place."""


@runtime_checkable
class WarmStart(Protocol):
    """A module that knows how to begin with the weights of a module unlike itself."""

    def start_from(self, other: nn.Module) -> None:
        """Take the weights of another module, or raise a MisfitError."""


@torch.no_grad()
def start_from(module: nn.Module, other: nn.Module) -> None:
    """Give a module the weights of another; a MisfitError may leave it with some of them."""
    if isinstance(module, WarmStart):
        module.start_from(other)
    else:
        copy_parts(module, other)


def copy_parts(module: nn.Module, other: nn.Module, *, optional: Collection[str] = ()) -> None:
    """Copy tensors and children by their names; `optional` children stay as they are if lacking.

    A convolution of more input channels knows the first ones; the others count for nothing.
    """
    theirs = dict(other.named_children())
    new = set(optional) - set(theirs)
    mine = {name: child for name, child in module.named_children() if name not in new}
    _copy_tensors(module, other)
    if mine.keys() != theirs.keys():
        raise MisfitError(f"{_kind(module)} has the parts {list(mine)}, not {list(theirs)}.")
    for name, child in mine.items():
        start_from(child, theirs[name])


def _copy_tensors(module: nn.Module, other: nn.Module) -> None:
    mine, theirs = _tensors(module), _tensors(other)
    if mine.keys() != theirs.keys():
        raise MisfitError(f"{_kind(module)} has the tensors {list(mine)}, not {list(theirs)}.")
    if isinstance(module, nn.Conv2d) and isinstance(other, nn.Conv2d) and other.groups == 1:
        theirs["weight"] = _with_inputs(other.weight, mine["weight"].shape[1])
    for name, tensor in mine.items():
        known = theirs[name]
        if tensor.shape != known.shape:
            raise MisfitError(
                f"{name} of {_kind(module)} is of shape {tuple(tensor.shape)}, "
                f"not {tuple(known.shape)}."
            )
        tensor.copy_(known)


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and buffers that are a module's own, not its children's."""
    return dict(module.named_parameters(recurse=False)) | dict(module.named_buffers(recurse=False))


def _with_inputs(weight: Tensor, count: int) -> Tensor:
    """Widen the weight of a convolution (O,I,K,K) to `count` inputs, the further ones zero."""
    further = max(0, count - weight.shape[1])
    return torch.cat([weight, weight.new_zeros(weight.shape[0], further, *weight.shape[2:])], dim=1)


def _kind(module: nn.Module) -> str:
    return type(module).__name__
