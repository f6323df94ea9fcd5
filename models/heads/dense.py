"""The fully connected heads: every mask pixel sees the whole crop.

Shapes: N boxes, C channels, R crop side, M mask side.
"""

from itertools import pairwise

from torch import Tensor, nn

from boxmask.models.initial import glorot_

WIDTH = 1024

# Number of hidden layers. Four layers were published as a figure only; three hidden ones and the
# output is the reading that makes "4 layers" of the same kind.
HIDDEN = {"fc2": 1, "fc4": 3}


class DenseHead(nn.Module):
    """A 1x1 convolution, then dense layers on the flattened crop."""

    def __init__(self, hidden: int, inputs: int, base: int, *, crop: int, mask: int) -> None:
        super().__init__()
        self.mask = mask
        self.reduce = nn.Conv2d(inputs, base, 1)
        sizes = [base * crop * crop, *[WIDTH] * hidden]
        layers: list[nn.Module] = [nn.Flatten()]
        for a, b in pairwise(sizes):
            layers += [nn.Linear(a, b), nn.ReLU(inplace=True)]
        self.dense = nn.Sequential(*layers, nn.Linear(WIDTH, mask * mask))
        glorot_(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N,C,R,R) to logits (N,M,M)."""
        logits: Tensor = self.dense(self.reduce(x))
        return logits.view(-1, self.mask, self.mask)
