"""FCN-8s: scores of three resolutions, added on the way up. A crop in place of an image.

Its VGG-16 is three short stages here, and its softmax over classes one logit. There is nothing
learnt on the way up: the natural control for the hourglass.
Shapes: N boxes, C channels, R crop side, M mask side.
"""

from itertools import pairwise

from torch import Tensor, nn

from boxmask.models.heads.head import HeadSizes
from boxmask.models.heads.predictors import resized
from boxmask.models.hourglass import conv_norm_relu
from boxmask.models.initialise import kaiming_


class FCN8Head(nn.Module):
    """Stages at R, R/2 and R/4 cells, each with a score; the finer scores begin at zero."""

    def __init__(self, sizes: HeadSizes) -> None:
        super().__init__()
        self.mask = sizes.mask
        widths = (sizes.inputs, sizes.base, 2 * sizes.base, 4 * sizes.base)
        self.stages = nn.ModuleList(
            nn.Sequential(conv_norm_relu(a, b), conv_norm_relu(b, b)) for a, b in pairwise(widths)
        )
        self.scores = nn.ModuleList(nn.Conv2d(width, 1, 1) for width in widths[1:])
        self.halve = nn.MaxPool2d(2, ceil_mode=True)
        kaiming_(self)
        for score in self.scores[:-1]:
            nn.init.zeros_(score.weight)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Map (N,C,R,R) to logits (N,M,M)."""
        found: list[Tensor] = []
        for number, (stage, score) in enumerate(zip(self.stages, self.scores, strict=True)):
            x = stage(self.halve(x) if number else x)
            found.append(score(x).squeeze(1))
        logits = found.pop()
        while found:
            finer = found.pop()
            logits = finer + resized(logits, finer.shape[-1])
        return resized(logits, self.mask)
