"""Train what is not frozen: the neck, the embeddings and the mask head.

Letters: N boxes, M mask side. Boxes are (x0, y0, x1, y1), in pixels or in fractions of a view.
"""

import math
from collections.abc import Iterator
from itertools import chain, islice
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from features import cached, collect, masked, views_of
from rows import ROWS, Run, Settings
from torch import Tensor, nn

from boxmask.geometry import sample_target
from boxmask.models import ModelConfig, build
from boxmask.models.backbones.trunk import BackboneWithNeck
from boxmask.train.data.collection import Collection
from boxmask.train.data.jitter import draw_proposal
from boxmask.train.loss import cross_entropy
from boxmask.window import Window

Items = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Random = np.random.Generator

NOISY_IOU = 0.5  # with the truth, at least


class Learner(nn.Module):
    """A network without its frozen trunk."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        network = build(config)
        self.neck = cast(BackboneWithNeck, network.backbone).join
        self.branch = network.last_branch

    def forward(self, levels: list[Tensor], boxes: Tensor, index: Tensor) -> Tensor:
        """Return the mask logits (N,M,M) of boxes in fractions of views `index` (N,)."""
        maps = self.branch.region.per_view(self.neck([fast(level) for level in levels]))
        (crops,) = self.branch.region(maps, boxes, index)
        logits: Tensor = self.branch.head(fast(crops))
        return logits


def fast(x: Tensor) -> Tensor:
    """Lay out (N,C,H,W) as narrow convolutions on a CPU like it best."""
    return x.contiguous(memory_format=torch.channels_last)


def train(run: Run, settings: Settings) -> Learner:
    """Train a row on the masks of the seen classes."""
    config = ROWS[run.row].config(settings)
    collection = collect(settings, "train", seen=run.seen)
    torch.manual_seed(run.seed)
    learner = Learner(config).to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(learner.parameters(), lr=settings.rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: factor(step, settings.steps)
    )
    for levels, boxes, index, targets in islice(batches(run, settings, collection), settings.steps):
        loss = cross_entropy(learner(levels, boxes, index), targets).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return learner


def factor(step: int, steps: int) -> float:
    """Return the factor on the learning rate: a tenth of the steps up, then a cosine down."""
    up = steps / 10
    return min((step + 1) / up, 0.5 + 0.5 * math.cos(math.pi * max(0, step - up) / (steps - up)))


def batches(
    run: Run, settings: Settings, collection: Collection
) -> Iterator[tuple[list[Tensor], Tensor, Tensor, Tensor]]:
    """Yield (levels, boxes, index of the view, targets) without end."""
    row = ROWS[run.row]
    config = row.config(settings)
    seen = cached(settings, config, collection, "train")
    # Noise draws from a generator of its own, so that all rows see the same boxes at each step.
    noise = np.random.default_rng((run.seed, 1))
    for items, mirrored in drawn(collection, settings, np.random.default_rng((run.seed, 0))):
        sides = 2 * views_of(config, collection, items) + mirrored
        views, index = np.unique(sides, return_inverse=True)
        boxes, targets = [], []
        for item, flip in zip(items.tolist(), mirrored.tolist(), strict=True):
            box, target = example(collection, item, row.noisy, noise, side=config.mask_size)
            boxes.append(box[[2, 1, 0, 3]] * [-1, 1, -1, 1] + [1, 0, 1, 0] if flip else box)
            targets.append(target[:, ::-1] if flip else target)
        truth = seen.boxes[items, mirrored]
        corner, size = truth[:, [0, 1, 0, 1]], (truth[:, 2:] - truth[:, :2])[:, [0, 1, 0, 1]]
        yield (
            seen.take(views // 2, views % 2),
            torch.from_numpy((corner + np.array(boxes) * size).astype(np.float32)),
            torch.from_numpy(index),
            torch.from_numpy(np.array(targets)),
        )


def drawn(
    collection: Collection, settings: Settings, random: Random
) -> Iterator[tuple[Items, Items]]:
    """Yield boxes to learn from, a few of each of the next images, and which are mirrored."""
    items = masked(collection)
    image = collection.table.image[items]
    groups = [items[image == one] for one in np.unique(image)]
    order = chain.from_iterable(iter(lambda: random.permutation(len(groups)).tolist(), None))
    while True:
        chosen = [groups[i] for i in islice(order, settings.batch)]
        chosen = [random.permutation(group)[: settings.boxes] for group in chosen]
        mirrored = random.integers(2, size=len(chosen))
        yield np.concatenate(chosen), np.repeat(mirrored, [len(group) for group in chosen])


def example(
    collection: Collection, item: int, noisy: bool, random: Random, *, side: int
) -> tuple[Floats, npt.NDArray[np.float32]]:
    """Return the box to crop, in sides of the true one, and the mask inside it (M, M)."""
    instance = collection.instances[item]
    truth, box, mask = instance.box, instance.box, cast(Window, instance.mask)
    if noisy and random.random() < 0.5:
        box = draw_proposal(truth, NOISY_IOU, random)
    height, width = collection.images[int(collection.table.image[item])].shape[:2]
    target = sample_target(
        mask.bits.T, (mask.x, mask.y), box=box, width=width, height=height, size=side
    )
    return (box - np.tile(truth[:2], 2)) / np.tile(truth[2:] - truth[:2], 2), target
