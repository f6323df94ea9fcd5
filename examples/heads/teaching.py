"""Teach a row: the views that all rows learn from, and the start that all of them have.

Views are cut once for all rows, in their order. A backbone is taught the seen masks once with no
head but a mask predictor; every row goes on from there with a head of its own, which is new, and
the backbone learns on.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import torch
from contest import ROWS, START, Run, Settings
from torch import Tensor, nn

from boxmask.models.heads import HEADS, convolutional
from boxmask.models.network import MaskNetwork, build
from boxmask.models.weights import load_network, save_network
from boxmask.train.data.batch import Batch
from boxmask.train.data.batch_dataset import BatchDataset
from boxmask.train.data.collection import Collection
from boxmask.train.data.sources import open_sources
from boxmask.train.loss import Totals, losses
from boxmask.train.optimiser import build_optimiser, clip, set_rate
from boxmask.train.recipe import TrainConfig
from boxmask.train.shapes import FindsShapes

_ROOM = 1 << 30  # bytes of decoded photographs while views are cut
_MASKS = 1000  # that typical shapes are taken from, at most


class NoBody(nn.Identity):
    """Leave crops (N,C,R,R) as they are, for the mask predictor."""

    def __init__(self, inputs: int, base: int) -> None:
        super().__init__()
        self.channels = inputs


def register() -> None:
    """Make the mask predictor alone a head of the registry, which is for heads of papers."""
    HEADS.setdefault("none", convolutional(NoBody))


def teach(run: Run, settings: Settings) -> MaskNetwork:
    """Teach a row from the common start."""
    recipe = run.recipe(settings)
    batches = _cut(run.seen, run.seed, recipe.boxes == "gt+noisy", settings)
    torch.manual_seed(run.seed)
    network = build(recipe.model)
    take_over(network, _start(run.seen, settings))
    for module in network.modules():
        if isinstance(module, FindsShapes):
            module.find_shapes(_masks(batches))
    return learn(network, batches, recipe)


def take_over(network: MaskNetwork, start: MaskNetwork) -> None:
    """Take the backbone and what is made of its maps; a network may use less of it."""
    network.backbone.load_state_dict(start.backbone.state_dict())
    theirs = start.last_branch.region.state_dict()
    region = network.last_branch.region
    region.load_state_dict({name: theirs[name] for name in region.state_dict()})


def learn(network: MaskNetwork, batches: Sequence[Batch], recipe: TrainConfig) -> MaskNetwork:
    """Take a step with each batch."""
    network = network.train().to(memory_format=torch.channels_last)
    optimiser = build_optimiser(network, recipe.optimiser)
    for step, batch in enumerate(batches):
        totals = Totals(float(batch.weights.sum()), float(batch.images))
        prediction = network(batch.views)
        terms = losses(prediction, batch, config=recipe.loss_weights, totals=totals)
        torch.autograd.backward(torch.stack(list(terms.values())).sum())
        set_rate(optimiser, recipe.optimiser, step=step, steps=len(batches))
        clip(network.parameters(), recipe.optimiser.clip)
        optimiser.step()
        optimiser.zero_grad()
    return network.eval()


@cache
def _start(seen: str, settings: Settings) -> MaskNetwork:
    """Teach the start from the masks of seen classes, or read it if that was done before."""
    path = settings.out / "starts" / f"{seen}.safetensors"
    if not path.exists():
        recipe = Run(START, settings.width, seen, -1).recipe(
            replace(settings, steps=settings.start)
        )
        torch.manual_seed(0)
        network = build(recipe.model, pretrained=recipe.pretrained)
        path.parent.mkdir(exist_ok=True)
        save_network(path, learn(network, _views(recipe, settings), recipe), {})
    return load_network(path)[0]


@cache
def _cut(seen: str, seed: int, noisy: bool, settings: Settings) -> list[Batch]:
    """Cut the views of all steps: they depend on no row but for its boxes."""
    row = next(name for name, row in ROWS.items() if row.noisy is noisy)
    return _views(Run(row, settings.width, seen, seed).recipe(settings), settings)


def _views(recipe: TrainConfig, settings: Settings) -> list[Batch]:
    sources = open_sources([settings.train], [settings.images], seen=recipe.seen)
    collection = Collection(sources, min_side=recipe.min_side, cache_bytes=_ROOM)
    examples = BatchDataset(collection, recipe, parts=1)
    return [examples[part] for part in range(recipe.steps)]


def _masks(batches: Sequence[Batch]) -> Tensor:
    """Return masks (N,M,M) of seen classes."""
    return torch.cat([batch.targets[batch.weights > 0] for batch in batches])[:_MASKS]
