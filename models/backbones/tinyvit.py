"""TinyViT-5M as a trunk.

Two convolutions, two stages of them, and attention within windows at strides 8, 16 and 32. Names
of parts are those of the published weights. Shapes: V views, C channels, H W a map's sides, N the
cells of a window, A heads.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from boxmask.models.backbones.trunk import Trunk
from boxmask.models.normalise import IMAGENET

NAME = "tinyvit-5m"

_WIDTHS, _DEPTHS = (64, 128, 160, 320), (2, 2, 6, 2)
_HEADS, _WINDOWS = (0, 4, 5, 10), (0, 7, 14, 7)  # a window has as many cells a side, at most
_EXPANSION = 4


class TinyViTTrunk(Trunk):
    """TinyViT-5M without its classifier."""

    scale = IMAGENET

    def __init__(self) -> None:
        super().__init__()
        half = _WIDTHS[0] // 2
        self.fine_channels, self.channels = half, _WIDTHS
        self.patch_embed = _Stem(half)
        self.layers = nn.ModuleList(_Stage(number) for number in range(len(_WIDTHS)))

    def halvings(self) -> list[nn.ModuleList]:
        """Return the first convolution, the second with its stage, and then each later stage."""
        first, second = self.patch_embed.seq[:2], self.patch_embed.seq[2:]
        downs = [second, *(stage.downsample for stage in self._stages()[:-1])]
        parts = ([down, stage.blocks] for down, stage in zip(downs, self._stages(), strict=True))
        return [nn.ModuleList([first]), *map(nn.ModuleList, parts)]

    def _stages(self) -> list["_Stage"]:
        return cast(list[_Stage], list(self.layers))

    def forward(self, x: Tensor, hints: Tensor | None = None) -> list[Tensor]:
        """Map (V,3,H,W) to five maps at strides 2 to 32."""
        fine = self.patch_embed.seq[:2](x)
        x = self.patch_embed.seq[2:](fine)
        levels = [fine]
        for number, stage in enumerate(self._stages()):
            x = stage.blocks(x)
            if not number:
                x = self.with_hints(x, hints)
            levels.append(x)
            if number + 1 < len(_WIDTHS):
                x = stage.downsample(x)
        return levels


class _ConvNorm(nn.Sequential):
    """A convolution and its norm."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, *, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.add_module("c", conv)
        self.add_module("bn", nn.BatchNorm2d(outputs))


class _Stem(nn.Module):
    """From pixels to stride 4, by way of stride 2."""

    seq: nn.Sequential

    def __init__(self, half: int) -> None:
        super().__init__()
        self.seq = nn.Sequential(
            _ConvNorm(3, half, 3, stride=2), nn.GELU(), _ConvNorm(half, 2 * half, 3, stride=2)
        )


class _Stage(nn.Module):
    """The blocks of one stride, and what makes the next stride's map of their last."""

    blocks: nn.Sequential
    downsample: nn.Module

    def __init__(self, number: int) -> None:
        super().__init__()
        width = _WIDTHS[number]
        heads, window = _HEADS[number], _WINDOWS[number]
        self.blocks = nn.Sequential(
            *(
                _Block(width, heads, window) if heads else _MBConv(width)
                for _ in range(_DEPTHS[number])
            )
        )
        if number + 1 < len(_WIDTHS):
            self.downsample = _Merging(width, _WIDTHS[number + 1])


class _MBConv(nn.Module):
    """An inverted bottleneck."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = _EXPANSION * width
        self.conv1 = _ConvNorm(width, inner)
        self.conv2 = _ConvNorm(inner, inner, 3, groups=inner)
        self.conv3 = _ConvNorm(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        inner = F.gelu(self.conv2(F.gelu(self.conv1(x))))
        return F.gelu(x + self.conv3(inner))


class _Merging(nn.Module):
    """Halve a map's sides."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = _ConvNorm(inputs, outputs)
        self.conv2 = _ConvNorm(outputs, outputs, 3, stride=2, groups=outputs)
        self.conv3 = _ConvNorm(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        merged: Tensor = self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))
        return merged


class _Block(nn.Module):
    """Attention within windows, a convolution of each channel, and a perceptron of each cell."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.attn = _Attention(width, heads, window)
        self.local_conv = _ConvNorm(width, width, 3, groups=width)
        self.mlp = _Perceptron(width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.local_conv(x + self.attn(x))
        cells = x.permute(0, 2, 3, 1)
        mixed: Tensor = cells + self.mlp(cells)
        return mixed.permute(0, 3, 1, 2)


class _Perceptron(nn.Module):
    """Two layers over the channels (...,C) of a cell."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, _EXPANSION * width)
        self.fc2 = nn.Linear(_EXPANSION * width, width)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc2(F.gelu(self.fc1(self.norm(x))))
        return y


class _Attention(nn.Module):
    """Attention among the cells of a window, with a bias for how far apart two of them are.

    Published windows have `window` cells a side, and maps are padded to whole ones. A view's maps
    are small, so that most of such windows would be padding: here a map is cut into as few windows
    of one side as can be, none larger than published.
    """

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.attention_biases = nn.Parameter(torch.zeros(heads, window**2))

    def forward(self, x: Tensor) -> Tensor:
        """Map (V,C,H,W) to what is to be added to it."""
        views, channels, height, width = x.shape
        side = max(_window_side(height, self.window), _window_side(width, self.window))
        down, across = -(-height // side), -(-width // side)
        cells = x.permute(0, 2, 3, 1)
        if (height, width) != (down * side, across * side):
            cells = F.pad(cells, (0, 0, 0, across * side - width, 0, down * side - height))
        windows = cells.reshape(views, down, side, across, side, channels).transpose(2, 3)
        found = self._attend(windows.reshape(-1, side * side, channels), side)
        found = found.reshape(views, down, across, side, side, channels).transpose(2, 3)
        found = found.reshape(views, down * side, across * side, channels)
        return found[:, :height, :width].permute(0, 3, 1, 2)

    def _attend(self, cells: Tensor, side: int) -> Tensor:
        """Map the cells of windows (n,N,C) to as many."""
        count, number, channels = cells.shape
        # Of each head its queries, keys and values lie together.
        parts = self.qkv(self.norm(cells)).reshape(count, number, self.heads, 3, -1)
        query, key, value = parts.permute(3, 0, 2, 1, 4)  # each (n,A,N,C/A)
        bias = self.attention_biases[None, :, _apart(side, self.window)]
        found = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        mixed: Tensor = self.proj(found.transpose(1, 2).reshape(count, number, channels))
        return mixed


def _window_side(cells: int, most: int) -> int:
    """Return the side of the fewest windows, of at most `most` cells a side, that hold a row."""
    return -(-cells // -(-cells // most))


def _apart(side: int, window: int) -> Tensor:
    """Return for two cells (N,N) of a window which bias is theirs, by rows and columns between."""
    row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    rows, columns = row.flatten(), column.flatten()
    down = (rows[:, None] - rows[None]).abs()
    across = (columns[:, None] - columns[None]).abs()
    return down * window + across
