"""Cascade Mask R-CNN's masks: a plain head for each of three stages, and the mean of their masks.

Published, a stage is trained on the boxes that the one before it has improved; given boxes are what
they are, so here it is three heads on one crop that differ in what they began with.
Shapes: N boxes, C channels, R crop side, M = 2R mask side.
"""

from torch import Tensor, nn

from boxmask.models.heads.fcn import build_fcn
from boxmask.models.heads.head import HeadSizes
from boxmask.models.heads.taught import Answer, answer_of_stages


class CascadeHead(nn.Module):
    """Three plain heads."""

    def __init__(self, sizes: HeadSizes) -> None:
        super().__init__()
        self.stages = nn.ModuleList(build_fcn(sizes) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor | Answer:
        """Map (N,C,R,R) to logits (N,M,M)."""
        return answer_of_stages([stage(x) for stage in self.stages], training=self.training)
