"""What CenterNet learns from boxes, and the way back: Gaussians, sizes and offsets of centres.

Shapes: V views, C classes, K boxes, H W the map's sides. Boxes are (x0, y0, x1, y1) in fractions
of their view; all else is in cells of the map.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from boxmask.models.detectors.detector import Detections, Truth

_LEAST_IOU = 0.7  # that a box off by the radius has with the true one


@dataclass(frozen=True, eq=False)
class CenterTargets:
    """What the map should say."""

    heatmap: Tensor  # (V, C, H, W), 1 at the cells of centres, falling off around them
    inside: Tensor  # (V, 1, H, W), 1 at the cells of the image and 0 at those of the padding
    cells: tuple[Tensor, Tensor, Tensor]  # view, row and column of each cell that says a box, (P,)
    sizes: Tensor  # (P, 2) height, width
    offsets: Tensor  # (P, 2) y, x: of the centre from the corner of the cell
    shares: Tensor  # (P,) of a box: those of its cells add up to 1
    boxes: int  # K


def center_targets(
    truth: Truth, *, classes: int, height: int, width: int, square: int = 1
) -> CenterTargets:
    """Make the targets of boxes on a map (H, W).

    The cell of a centre says the box, and so do those of a `square` of cells around it.
    """
    boxes = truth.boxes * truth.boxes.new_tensor([width, height, width, height])
    centres = (boxes[:, [1, 0]] + boxes[:, [3, 2]]) / 2  # y, x
    sizes = (boxes[:, [3, 2]] - boxes[:, [1, 0]]).clamp(min=0)
    most = centres.new_tensor([height - 1, width - 1])
    corners = torch.minimum(centres.clamp(min=0).floor(), most)
    row, column = corners.long().unbind(dim=1)
    heatmap = boxes.new_zeros((len(truth.extents), classes, height, width))
    down, across = _falls(corners, spreads(sizes), height, width)
    for k, (view, label) in enumerate(zip(truth.index, truth.labels, strict=True)):
        own = down[k, :, None] * across[k]
        torch.maximum(heatmap[view, label], own, out=heatmap[view, label])
    owner, row, column = _around(row, column, square // 2, height, width)
    cells = truth.index[owner], row, column
    offsets = centres[owner] - torch.stack([row, column], dim=1)
    inside = _inside(truth.extents, height, width)
    shares = 1 / owner.bincount(minlength=len(truth)).to(boxes.dtype)[owner]
    return CenterTargets(heatmap, inside, cells, sizes[owner], offsets, shares, len(truth))


def _around(
    row: Tensor, column: Tensor, reach: int, height: int, width: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the cells (P,) of a map that lie around some (K,), and around which one each does."""
    steps = torch.arange(-reach, reach + 1, device=row.device)
    down, across = (side.flatten() for side in torch.meshgrid(steps, steps, indexing="ij"))
    rows, columns = row[:, None] + down, column[:, None] + across
    on_map = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    owner = torch.arange(len(row), device=row.device)[:, None].expand_as(rows)
    return owner[on_map], rows[on_map], columns[on_map]


def radii(sizes: Tensor) -> Tensor:
    """Return how far off (K,) the corners of boxes of some height and width (K, 2) may be.

    The published formula, which does not solve the equations that it is meant to: everybody's
    weights were learnt with it.
    """
    area, around, m = sizes.prod(dim=1), sizes.sum(dim=1), _LEAST_IOU
    coefficients = (
        (1.0, -around, area * (1 - m) / (1 + m)),
        (4.0, -2 * around, (1 - m) * area),
        (4 * m, 2 * m * around, (m - 1) * area),
    )
    roots = [(-b + (b**2 - 4 * a * c).clamp(min=0).sqrt()) / 2 for a, b, c in coefficients]
    return torch.stack(roots).amin(dim=0)


def spreads(sizes: Tensor) -> Tensor:
    """Return the standard deviation (K,) of the Gaussian of boxes of height and width (K, 2)."""
    return (2 * radii(sizes).clamp(min=0).floor() + 1) / 6


def _falls(corners: Tensor, sigma: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return the Gaussians (K, H) and (K, W) whose product is that of the plane."""
    falls = []
    for place, length in zip(corners.unbind(dim=1), (height, width), strict=True):
        line = torch.arange(length, dtype=place.dtype, device=place.device)
        squared = (line - place[:, None]) ** 2
        falls.append(torch.exp(-squared / (2 * sigma[:, None] ** 2)))
    return falls[0], falls[1]


def _inside(extents: Tensor, height: int, width: int) -> Tensor:
    """Tell which cells (V, 1, H, W) begin in the image, which fills `extents` of each view."""
    across, down = (extents * extents.new_tensor([width, height])).unbind(dim=1)
    rows = torch.arange(height, device=extents.device)
    columns = torch.arange(width, device=extents.device)
    covered = (rows < down[:, None])[:, :, None] & (columns < across[:, None])[:, None]
    return covered[:, None].to(extents.dtype)


def peaks(heatmap: Tensor, sizes: Tensor, offsets: Tensor, *, most: int) -> Detections:
    """Read boxes off a map: probabilities (V, C, H, W), sizes and offsets (V, 2, H, W).

    A cell is a peak if none of the eight around it is higher, so two equal ones side by side are
    two; the `most` best of all classes together count.
    """
    views, _, height, width = heatmap.shape
    highest = torch.nn.functional.max_pool2d(heatmap, 3, stride=1, padding=1)
    scores = (heatmap * (heatmap == highest)).flatten(1)
    scores, places = scores.topk(min(most, scores.shape[1]), dim=1)
    cells = places % (height * width)
    size, offset = (
        x.flatten(2).gather(2, cells[:, None].expand(-1, 2, -1)).transpose(1, 2)
        for x in (sizes, offsets)
    )
    size = size.clamp(min=0)
    corner = torch.stack([cells // width, cells % width], dim=2)
    centre = corner + offset
    boxes = torch.cat([centre - size / 2, centre + size / 2], dim=2)[..., [1, 0, 3, 2]]
    boxes = boxes / boxes.new_tensor([width, height, width, height])
    index = torch.arange(views, device=heatmap.device)[:, None].expand_as(places)
    labels = places // (height * width)
    return Detections(boxes.flatten(0, 1), labels.flatten(), scores.flatten(), index.flatten())
