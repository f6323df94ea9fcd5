"""Mask R-CNN's own mask branch: a mask for each class, of which that of the box's class counts.

What it makes for classes without masks is what it was born with: they have no weights here.
Shapes: N boxes, C channels, R crop side, M = 2R mask side, K classes.
"""

from torch import Tensor, arange, nn

from boxmask.models.heads.fcn import PlainBody
from boxmask.models.heads.head import Classes, HeadSizes
from boxmask.models.heads.predictors import UpsamplingMaskPredictor


class ClassesHead(nn.Module):
    """The plain head with K masks."""

    def __init__(self, sizes: HeadSizes) -> None:
        super().__init__()
        self.body = PlainBody(sizes.inputs, sizes.base)
        width = self.body.channels
        self.predictor = UpsamplingMaskPredictor(width, width, outputs=sizes.classes)

    def forward(self, x: Tensor, classes: Classes) -> Tensor:
        """Map (N,C,R,R) to the logits (N,M,M) of each box's class."""
        every: Tensor = self.predictor.project(self.predictor.enlarged(self.body(x)))
        return every[arange(len(every), device=every.device), classes.labels]
