"""The fully connected heads: every mask pixel sees the whole crop.

Shapes: N boxes, C channels, R crop side, M mask side.
"""

from itertools import pairwise

from torch import Tensor, nn

from boxmask.models.heads.head import HeadSizes
from boxmask.models.initialise import glorot_

_WIDTH = 1024

# Number of hidden layers. Four layers were published as a figure only; three hidden ones and the
# output is the reading that makes "4 layers" of the same kind.
HIDDEN = {"fc2": 1, "fc4": 3}


class DenseHead(nn.Module):
    """A 1x1 convolution, then dense layers on the flattened crop."""

    def __init__(self, hidden: int, sizes: HeadSizes) -> None:
        super().__init__()
        self.mask = sizes.mask
        self.reduce = nn.Conv2d(sizes.inputs, sizes.base, 1)
        widths = [sizes.base * sizes.crop**2, *[_WIDTH] * hidden]
        layers: list[nn.Module] = [nn.Flatten()]
        for a, b in pairwise(widths):
            layers += [nn.Linear(a, b), nn.ReLU(inplace=True)]
        self.dense = nn.Sequential(*layers, nn.Linear(_WIDTH, sizes.mask**2))
        glorot_(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N,C,R,R) to logits (N,M,M)."""
        # The channels of a cell lie together, as published.
        logits: Tensor = self.dense(self.reduce(x).permute(0, 2, 3, 1))
        return logits.view(-1, self.mask, self.mask)
