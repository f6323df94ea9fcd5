"""TensorFlow's "same" padding: of what a stride needs, the smaller half before, the larger after.

PyTorch pads both sides alike, so at stride 2 its outputs lie elsewhere: weights that were learnt
with the one are not for the other.
"""

import torch.nn.functional as F
from torch import Tensor, nn


class SameConv2d(nn.Conv2d):
    """A convolution of a square kernel with "same" padding."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, *, bias: bool = False
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N,C,H,W) to (N,C',ceil(H/stride),ceil(W/stride))."""
        return super().forward(pad_same(x, self.kernel_size[0], self.stride[0]))


class SameMaxPool2d(nn.Module):
    """The largest of 3x3 cells at stride 2, with "same" padding, which counts for nothing."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (N,C,H,W) to (N,C,ceil(H/2),ceil(W/2))."""
        return F.max_pool2d(pad_same(x, 3, 2, value=float("-inf")), 3, 2)


def pad_same(x: Tensor, kernel: int, stride: int, *, value: float = 0.0) -> Tensor:
    """Pad (N,C,H,W) on all sides for a kernel at a stride."""
    (top, bottom), (left, right) = (_sides(side, kernel, stride) for side in x.shape[-2:])
    return F.pad(x, (left, right, top, bottom), value=value)


def _sides(length: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return how much is padded before and after a side."""
    whole = max((-(-length // stride) - 1) * stride + kernel - length, 0)
    return whole // 2, whole - whole // 2
