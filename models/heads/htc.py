"""HTC's masks: three stages in a chain, each of which sees the features of the one before.

Published with boxes that improve from stage to stage and a branch for what else is in the image.
Given boxes do not change; and things nobody outlined would be taught to that branch as background,
unseen classes among them, so it is left out, as in the paper's rows "without semantic".
Shapes: N boxes, C channels, R crop side, M = 2R mask side.
"""

from typing import cast

from torch import Tensor, nn

from boxmask.models.heads.bare import convolutions, predictor, to_channels
from boxmask.models.heads.head import HeadSizes
from boxmask.models.heads.taught import Answer, answer_of_stages
from boxmask.models.initialise import kaiming_


class Stage(nn.Module):
    """Four convolutions and a predictor, with a link from an earlier stage but for the first."""

    def __init__(self, channels: int, *, linked: bool) -> None:
        super().__init__()
        self.link = (
            nn.Sequential(nn.Conv2d(channels, channels, 1), nn.ReLU(inplace=True))
            if linked
            else None
        )
        self.body = convolutions(channels)
        self.predictor = predictor(channels)

    def features(self, x: Tensor, before: Tensor | None) -> Tensor:
        """Map a crop and the features of the stage before, both (N,C,R,R), to features."""
        seen = x if self.link is None else x + self.link(before)
        features: Tensor = self.body(seen)
        return features


class HTCHead(nn.Module):
    """Three stages; the answer is the mean of their masks."""

    def __init__(self, sizes: HeadSizes) -> None:
        super().__init__()
        channels = 4 * sizes.base
        self.reduce = to_channels(sizes.inputs, channels)
        self.stages = nn.ModuleList(Stage(channels, linked=number > 0) for number in range(3))
        kaiming_(self)

    def forward(self, x: Tensor) -> Tensor | Answer:
        """Map (N,C,R,R) to logits (N,M,M)."""
        x, features, masks = self.reduce(x), None, []
        for stage in cast(list[Stage], list(self.stages)):
            features = stage.features(x, features)
            masks.append(stage.predictor(features).squeeze(1))
        return answer_of_stages(masks, training=self.training)
