"""What a layer's numbers are called by TensorFlow, and how they are laid out there.

Kernels there are (height, width, inputs, outputs), dense ones (inputs, outputs); here outputs come
first and the sides last.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from boxmask.published.checkpoint import Array


class Value(NamedTuple):
    """A tensor of a layer: its name here and there, and how to bring theirs into our shape."""

    ours: str
    theirs: str
    convert: Callable[[Array, nn.Module], Array]


def _as_is(values: Array, _: nn.Module) -> Array:
    return values


def _kernel(values: Array, module: nn.Module) -> Array:
    """Turn a kernel (H,W,I,O) into (O,I,H,W); one of a single row is the middle row of ours."""
    if values.ndim != 4:
        return values
    turned = values.transpose(3, 2, 0, 1)
    wanted = module.weight.shape if isinstance(module.weight, Tensor) else ()
    if turned.shape[2] == 1 and len(wanted) == 4 and wanted[2] == 3 and turned.shape[3] == 3:
        turned = np.pad(turned, ((0, 0), (0, 0), (1, 1), (0, 0)))
    return turned


def _dense(values: Array, _: nn.Module) -> Array:
    """Turn a dense kernel (I,O) into (O,I)."""
    return values.T


_NORM = (
    Value("weight", "gamma", _as_is),
    Value("bias", "beta", _as_is),
    Value("running_mean", "moving_mean", _as_is),
    Value("running_var", "moving_variance", _as_is),
)
_BIAS = Value("bias", "bias", _as_is)


def values_of(module: nn.Module) -> tuple[Value, ...]:
    """Return the tensors of a layer, none if the module is not one that holds any itself."""
    if isinstance(module, nn.BatchNorm2d):
        return _NORM
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        kernel = Value("weight", "kernel", _kernel)
        return (kernel,) if module.bias is None else (kernel, _BIAS)
    return (Value("weight", "kernel", _dense), _BIAS) if isinstance(module, nn.Linear) else ()


def layers_of(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield the layers that hold numbers, by their dotted names."""
    return ((name, module) for name, module in network.named_modules() if values_of(module))


def as_tensor(values: Array) -> Tensor:
    """Return numbers as a float32 tensor of its own."""
    return torch.from_numpy(np.array(values, dtype=np.float32, order="C"))
