"""k-means: a few typical points that stand for many.

Shapes: N points of D numbers, K centres.
"""

import torch
from torch import Tensor

_ROUNDS = 30


@torch.no_grad()
def kmeans(points: Tensor, *, count: int, seed: int = 0) -> Tensor:
    """Return `count` centres (K,D) of points (N,D), some of them twice if there are too few."""
    centres = _spread(points.float(), count, seed)
    for _ in range(_ROUNDS):
        nearest = torch.cdist(points.float(), centres).argmin(dim=1)
        sums = torch.zeros_like(centres).index_add_(0, nearest, points.float())
        sizes = torch.bincount(nearest, minlength=count)[:, None]
        # A centre that is nearest to nothing stays where it is.
        centres = torch.where(sizes > 0, sums / sizes.clamp(min=1), centres)
    return centres


def _spread(points: Tensor, count: int, seed: int) -> Tensor:
    """Choose points far from each other to begin with: k-means++."""
    random = torch.Generator().manual_seed(seed)
    chosen = [points[int(torch.randint(len(points), (1,), generator=random))]]
    while len(chosen) < count:
        far = torch.cdist(points, torch.stack(chosen)).amin(dim=1).square()
        # Of points that are all chosen, any will do.
        chance = far if float(far.sum()) > 0 else torch.ones_like(far)
        chosen.append(points[int(torch.multinomial(chance, 1, generator=random))])
    return torch.stack(chosen)
