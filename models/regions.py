"""Regions: from a backbone's features and a box to what the mask head is given.

Shapes: V views, C channels, H W a map, N boxes, R crop side, P S S hint planes. Boxes are
(x0, y0, x1, y1) in fractions of their view (crop.py); index (N,) says which view.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import roi_align

from boxmask.models.backbones.trunk import DetailedFeatures
from boxmask.models.config import ModelConfig
from boxmask.models.crop import crop
from boxmask.models.initialise import glorot_
from boxmask.models.warm_start import MisfitError, copy_parts


class Region(nn.Module):
    """From one stage of a backbone to the crops of boxes."""

    def per_view(self, stage: Any) -> Any:
        """Do what is done once per view; return the maps that `forward` is given."""
        return stage

    def forward(
        self, maps: Any, boxes: Tensor, index: Tensor, hints: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Return what the head takes: crops (N,C,R,R), and the finer map if it is shown one."""
        raise NotImplementedError


class EmbeddedMaps(NamedTuple):
    """A stride-4 map (V,C,H,W), its pixel embedding (V,P,H,W), and perhaps a map of twice H W."""

    features: Tensor
    pixels: Tensor
    fine: Tensor | None = None


class EmbeddingRegion(Region):
    """Deep-MAC's: coordinates, pixel embedding and the box's own instance embedding."""

    def __init__(self, config: ModelConfig, channels: int) -> None:
        super().__init__()
        self.size = config.crop_size
        self.coordinates = config.use_coordinates
        middle = config.embedding_channels
        self.pixel = _embedding(channels, middle, config.pixel_channels, padding=1)
        # Without padding: it sees no maps, only the neighbourhoods of the boxes' centres.
        self.instance = (
            _embedding(channels, middle, config.instance_channels, padding=0)
            if config.use_instance
            else None
        )
        glorot_(self)

    def per_view(self, stage: Tensor) -> EmbeddedMaps:
        """Embed every pixel."""
        return EmbeddedMaps(stage, self.pixel(stage))

    def forward(
        self, maps: EmbeddedMaps, boxes: Tensor, index: Tensor, hints: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Return (N,50,R,R): y, x, 16 pixel and 32 instance channels."""
        pixels = crop(maps.pixels, boxes, index=index, size=self.size)
        return (self.embedded(coordinates(pixels), pixels, maps.features, boxes, index),)

    def embedded(
        self, places: Tensor, pixels: Tensor, features: Tensor, boxes: Tensor, index: Tensor
    ) -> Tensor:
        """Put y and x (N,2,R,R), pixels (N,P,R,R) and the instance embedding together."""
        parts = [places, pixels] if self.coordinates else [pixels]
        if self.instance is not None:
            vectors = self.instance(_neighbourhoods(features, boxes, index))
            parts.append(vectors.to(pixels.dtype).expand(-1, -1, *pixels.shape[2:]))
        return torch.cat(parts, dim=1)

    def start_from(self, other: nn.Module) -> None:
        """Take the weights of a region whose crops begin with the same channels as these."""
        if isinstance(other, EmbeddingRegion) and other.coordinates != self.coordinates:
            raise MisfitError("Crops with and without coordinates have other first channels.")
        copy_parts(self, other)


class WindowRegion(EmbeddingRegion):
    """All of a box's view, with its hints (hints.py) and the backbone's map as it is."""

    def per_view(self, stage: DetailedFeatures) -> EmbeddedMaps:  # type: ignore[override]
        """Embed every pixel, and keep the finer map."""
        return EmbeddedMaps(stage.features, self.pixel(stage.features), stage.fine)

    def forward(
        self, maps: EmbeddedMaps, boxes: Tensor, index: Tensor, hints: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Return (N,121,S,S), whose first 50 channels are as of a crop of the box, and the map."""
        assert hints is not None and maps.fine is not None
        places, further = hints[:, :2], hints[:, 2:]
        crops = self.embedded(places, maps.pixels, maps.features, boxes, index)
        return torch.cat([crops, further, maps.features], dim=1), maps.fine


class PyramidRegion(Region):
    """Deep-MARC's: the level of the feature pyramid that suits the box's size, by RoIAlign."""

    def __init__(self, config: ModelConfig, strides: tuple[int, ...]) -> None:
        super().__init__()
        self.size = config.crop_size
        self.strides = strides

    def forward(
        self, maps: Sequence[Tensor], boxes: Tensor, index: Tensor, hints: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Return (N,256,R,R)."""
        finest = maps[0]
        height, width = (side * self.strides[0] for side in finest.shape[-2:])
        pixels = boxes * boxes.new_tensor([width, height, width, height])
        levels = levels_of(pixels, strides=self.strides)
        rois = torch.cat([index[:, None].to(pixels.dtype), pixels], dim=1)
        crops = finest.new_zeros((len(boxes), finest.shape[1], self.size, self.size))
        for level, (features, stride) in enumerate(zip(maps, self.strides, strict=True)):
            mine = (levels == level).nonzero().squeeze(1)
            found = _sample_bins(features.float(), rois[mine], stride=stride, size=self.size)
            crops = crops.index_copy(0, mine, found.to(crops.dtype))
        return (crops,)


def _embedding(inputs: int, middle: int, outputs: int, *, padding: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, middle, 3, padding=padding),
        nn.ReLU(inplace=True),
        nn.Conv2d(middle, outputs, 1),
    )


def coordinates(like: Tensor) -> Tensor:
    """Return the planes y and x, -1 to 1 across the box, for crops (N,C,R,R)."""
    count, _, size, _ = like.shape
    line = torch.linspace(-1, 1, size, dtype=like.dtype, device=like.device)
    planes = torch.stack(torch.meshgrid(line, line, indexing="ij"))
    return planes.expand(count, -1, -1, -1)


def _neighbourhoods(features: Tensor, boxes: Tensor, index: Tensor) -> Tensor:
    """Return the 3x3 cells (N,C,3,3) around the cell that each box's centre lies in.

    The instance embedding is read at one cell a box, so its 3x3 convolution need only be done
    there: the values are those of the whole map, at a fraction of the cost.
    """
    height, width = features.shape[-2:]
    x = ((boxes[:, 0] + boxes[:, 2]) / 2 * width).long().clamp(0, width - 1)
    y = ((boxes[:, 1] + boxes[:, 3]) / 2 * height).long().clamp(0, height - 1)
    around = torch.arange(3, device=features.device)
    framed = F.pad(features, (1, 1, 1, 1))
    rows, columns = y[:, None, None] + around[:, None], x[:, None, None] + around
    return framed[index[:, None, None], :, rows, columns].permute(0, 3, 1, 2)


def _sample_bins(maps: Tensor, rois: Tensor, *, stride: int, size: int) -> Tensor:
    """Sample rois (N,5), view and box in pixels, once in the middle of each of R x R bins.

    Cell k of a map (V,C,H,W) lies at k times the stride, as published. Without `aligned`, roi_align
    has the same convention, but takes boxes of less than a cell for a whole one.
    """
    shifted = rois + rois.new_tensor([0, *[stride / 2] * 4])
    found: Tensor = roi_align(maps, shifted, size, 1 / stride, sampling_ratio=1, aligned=True)
    return found


def levels_of(boxes: Tensor, *, strides: Sequence[int]) -> Tensor:
    """Return each box's level (N,) among maps of these strides: boxes of side 224 are on 16."""
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1).sqrt()
    # Sides of exactly 224 must not fall a level short for having gone through fractions.
    levels = torch.floor(torch.log2(16 / strides[0] * sides / 224 + 1e-6))
    return levels.clamp(0, len(strides) - 1).long()
