"""ShapeMask: a mixture of typical shapes, refined twice.

The typical shapes are means of the masks that are learnt from (k-means), so classes without masks
have no say in them. Published in a frame 1.25 times a detected box, into which the shapes are drawn
on the box; here the frame is the crop, and a given box needs no margin for error.
Shapes: N boxes, C channels, R crop side, M mask side, K typical shapes.
"""

import math

import torch
from torch import Tensor, nn

from boxmask.models.heads.head import HeadSizes
from boxmask.models.heads.kmeans import kmeans
from boxmask.models.heads.predictors import resized
from boxmask.models.heads.taught import Answer, Aside, mask_error
from boxmask.models.initialise import kaiming_
from boxmask.models.norm import PredictorNorm

_SHAPES = 20


class ShapeMaskHead(nn.Module):
    """Prior, coarse mask, fine mask; the fine one sees how cells differ from the coarse object."""

    shapes: Tensor  # (K,R,R), 0 to 1

    def __init__(self, sizes: HeadSizes) -> None:
        super().__init__()
        width, scale = 2 * sizes.base, sizes.mask // sizes.crop
        self.register_buffer("shapes", torch.zeros(_SHAPES, sizes.crop, sizes.crop))
        self.reduce = nn.Conv2d(sizes.inputs, width, 1)
        self.mix = nn.Linear(width, _SHAPES)
        self.show_prior, self.show_coarse = nn.Conv2d(1, width, 1), nn.Conv2d(1, width, 1)
        self.coarse = nn.Sequential(_convolutions(width), nn.Conv2d(width, 1, 1))
        enlarge = nn.ConvTranspose2d(width, width, scale, stride=scale)
        self.fine = nn.Sequential(_convolutions(width), enlarge, nn.Conv2d(width, 1, 1))
        kaiming_(self)
        nn.init.normal_(self.mix.weight, std=0.01)
        nn.init.constant_(self.coarse[-1].bias, -math.log(99))  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor | Answer:
        """Map (N,C,R,R) to logits (N,M,M)."""
        x = self.reduce(x)
        weights = self.mix(x.mean(dim=(2, 3))).softmax(dim=1)
        prior = torch.einsum("nk,kij->nij", weights, self.shapes)
        coarse = self.coarse(x + self.show_prior(prior[:, None]))
        inside = (coarse > 0).to(x.dtype)
        cells = inside.sum(dim=(2, 3), keepdim=True).clamp(min=1)
        typical = (x * inside).sum(dim=(2, 3), keepdim=True) / cells
        fine: Tensor = self.fine(x - typical + self.show_coarse(coarse.sigmoid())).squeeze(1)
        if not self.training:
            return fine
        asides = (Aside(prior, prior_error, 0.1), Aside(coarse.squeeze(1), coarse_error, 1.0))
        return Answer(fine, asides)

    def find_shapes(self, masks: Tensor) -> None:
        """Take typical shapes from the masks (N,M,M) to learn, before anything is learnt."""
        side = self.shapes.shape[-1]
        found = kmeans(resized(masks, side).flatten(1), count=_SHAPES)
        self.shapes.copy_(found.view_as(self.shapes))


def prior_error(prior: Tensor, targets: Tensor) -> Tensor:
    """Return half the mean square (N,) by which priors (N,R,R) miss the targets."""
    return 0.5 * (prior - resized(targets, prior.shape[-1])).square().mean(dim=(1, 2))


def coarse_error(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the error (N,) of coarse masks (N,R,R)."""
    return mask_error(logits, resized(targets, logits.shape[-1]))


def _convolutions(width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(4):
        layers += [nn.Conv2d(width, width, 3, padding=1), PredictorNorm(width), nn.ReLU()]
    return nn.Sequential(*layers)
