"""What CPMask is taught beside the mask: its outline, and that the object looks like itself.

Shapes: N boxes, M mask side, K cells of the map on which each cell takes shares (N,K,K) of each.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from boxmask.models.heads.taught import mask_error


def boundary_error(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the error (N,) of outlines (N,M,M)."""
    return mask_error(logits, boundary_of(targets > 0.5).to(logits.dtype))


def boundary_of(masks: Tensor) -> Tensor:
    """Return the cells (N,M,M) of masks that have a neighbour of the other kind.

    Of four neighbours; beyond the crop nothing is known, so nothing differs there.
    """
    framed = F.pad(masks[:, None].float(), (1, 1, 1, 1), mode="replicate")[:, 0]
    middle = slice(1, -1)
    shifted = [framed[:, rows, middle] for rows in (slice(-2), middle, slice(2, None))]
    shifted += [framed[:, middle, columns] for columns in (slice(-2), slice(2, None))]
    around = torch.stack(shifted)
    return around.amax(dim=0) != around.amin(dim=0)


def outside_error(shares: Tensor, targets: Tensor) -> Tensor:
    """Return the share (N,) that cells of the object take of cells outside it.

    An object of a single cell is left out.
    """
    side = math.isqrt(shares.shape[1])
    masks = (targets > 0.5).to(shares.dtype)
    inside = F.interpolate(masks[:, None], side, mode="nearest").flatten(1)
    taken = (shares @ inside[:, :, None]).squeeze(2)
    count = inside.sum(dim=1)
    return torch.where(count > 1, 1 - (taken * inside).sum(dim=1) / count.clamp(min=1), 0)
