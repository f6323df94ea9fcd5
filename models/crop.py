"""Crop: boxes sampled from maps, by the convention of geometry.py.

Letters: V maps, C channels, H W their size, N boxes, R crop side. Boxes are (x0, y0, x1, y1) in
fractions of their map.
"""

import torch
from torch import Tensor
from torchvision.ops import roi_align


def crop(maps: Tensor, boxes: Tensor, *, index: Tensor, size: int) -> Tensor:
    """Sample each box from its map: (V, C, H, W) and (N, 4) in fractions give (N, C, R, R).

    `index` (N,) says which map a box lies on. Outside its map the value is 0. Gradients flow to the
    maps. Equal to `grid_sample` with aligned corners, but no map is copied once per box.
    """
    height, width = maps.shape[-2:]
    # roi_align goes on with the border for a pixel around the map: make that border of zeros.
    framed = torch.nn.functional.pad(maps, (1, 1, 1, 1))
    extent = boxes.new_tensor([width - 1, height - 1, width - 1, height - 1])
    corners = (boxes * extent + 1).float()
    first, last = corners[:, :2], corners[:, 2:]
    # roi_align samples the middles of R bins: place the bins so that the middles are our samples.
    bins = (last - first) / (size - 1)
    corner = first - bins / 2 + 0.5
    rois = torch.cat([index[:, None].float(), corner, corner + size * bins], dim=1)
    crops: Tensor = roi_align(framed.float(), rois, size, sampling_ratio=1, aligned=True)
    return crops.to(maps.dtype)
