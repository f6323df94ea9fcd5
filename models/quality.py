"""The expected IoU of a predicted mask, with no class involved.

Shapes: N boxes, C channels, R crop side, M mask side.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from boxmask.models.hourglass import conv_norm_relu
from boxmask.models.initialise import glorot_
from boxmask.models.threshold import expected_iou
from boxmask.models.threshold_arrays import EPSILON
from boxmask.models.warm_start import copy_parts

_WIDTH = 64
_SHAPE = 2  # input channels behind those of the crops: the mask and its doubt


def estimated_iou_logit(logits: Tensor) -> Tensor:
    """Return the logit of the IoU (N,) that the mask's own probabilities (N,M,M) let expect.

    It is the expected intersection over the expected union, if pixels were independent.
    """
    return expected_iou(logits).clamp(EPSILON, 1 - EPSILON).logit()


class QualityHead(nn.Module):
    """Correct the estimated_iou_logit by what the crop and the mask look like.

    Its inputs are detached: it learns only from masks of seen classes, and the mask must not become
    easier to judge instead of better; so it can also be trained on a finished network.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.body = nn.Sequential(
            conv_norm_relu(channels + _SHAPE, _WIDTH, stride=2),
            conv_norm_relu(_WIDTH, _WIDTH, stride=2),
            conv_norm_relu(_WIDTH, _WIDTH, stride=2),
        )
        self.score = nn.Linear(2 * _WIDTH + 1, 1)
        glorot_(self)
        with torch.no_grad():
            # Untrained, the head answers with the estimated_iou_logit alone.
            self.score.weight.zero_()
            self.score.weight[:, -1] = 1

    def forward(self, crops: Tensor, logits: Tensor) -> Tensor:
        """Return logits (N,) of the expected IoU, from crops (N,C,R,R) and mask logits (N,M,M).

        Of crops with more channels, those beyond are not looked at.
        """
        pooled = self._pooled(crops, logits)
        score: Tensor = self.score(torch.cat([*pooled, estimated_iou_logit(logits)[:, None]], 1))
        return score.squeeze(1).float()

    def beside_estimate(self, crops: Tensor, logits: Tensor) -> Tensor:
        """Return (N,2): what `forward` adds to the estimated_iou_logit, and how often it has that.

        For who can make the estimate in less time: it sorts the cells of a mask.
        """
        weight, share = self.score.weight[0, :-1], self.score.weight[0, -1]
        rest = (torch.cat(self._pooled(crops, logits), dim=1) * weight).sum(dim=1)
        return torch.stack([rest + self.score.bias, share.expand(len(crops))], dim=1)

    def _pooled(self, crops: Tensor, logits: Tensor) -> list[Tensor]:
        probability = logits.detach().float().sigmoid()[:, None]
        mask = F.adaptive_avg_pool2d(probability, crops.shape[-1])
        doubt = 4 * mask * (1 - mask)
        seen = self.body(
            torch.cat([crops[:, : self.channels].detach().float(), mask, doubt], dim=1)
        ).float()
        return [seen.mean(dim=(2, 3)), seen.amax(dim=(2, 3))]

    def start_from(self, other: nn.Module) -> None:
        """Take the weights of a head that looks at the first channels of these crops."""
        copy_parts(self, other)
        if isinstance(other, QualityHead) and other.channels < self.channels:
            weight = self._first_weight()
            weight[:, other.channels :] = 0
            weight[:, -_SHAPE:] = other._first_weight()[:, -_SHAPE:]

    def _first_weight(self) -> Tensor:
        return cast(nn.Conv2d, self.body.get_submodule("0.0")).weight


def judged(
    head: QualityHead | None, crops: Tensor, logits: Tensor, *, estimates: bool = True
) -> Tensor:
    """Return the logits (N,) of the expected IoU; without `estimates` what they are beside (N,2).

    Without a head they are the estimate alone.
    """
    if estimates:
        return estimated_iou_logit(logits) if head is None else head(crops, logits)
    if head is None:
        return logits.new_tensor([[0.0, 1.0]]).expand(len(logits), -1)
    return head.beside_estimate(crops, logits)
