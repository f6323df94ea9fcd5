"""The training loop: one step after another, each a function of its number alone."""

import random
from collections.abc import Mapping
from pathlib import Path

import msgspec
import torch
from torch import Tensor, nn

from boxmask.errors import ConfigError, RunError, WeightsError
from boxmask.models.heads.tail import Enlarge, Project
from boxmask.models.network import MaskNetwork, build
from boxmask.models.weights import load
from boxmask.train.average import Average
from boxmask.train.batch import Batch
from boxmask.train.collection import Collection
from boxmask.train.config import TrainConfig
from boxmask.train.examples import Examples
from boxmask.train.loader import check_parts, steps
from boxmask.train.loss import Totals, losses
from boxmask.train.optimiser import build_optimiser, clip, set_rate
from boxmask.train.processes import Processes
from boxmask.train.progress import Progress
from boxmask.train.recorder import Recorder
from boxmask.train.state import State


def fit(
    config: TrainConfig,
    collection: Collection,
    *,
    recorder: Recorder,
    processes: Processes,
    init: Path | None = None,
) -> State:
    """Train a network by a recipe, from its beginning or from the state of its run folder.

    Resume order: 1. the run's own state; 2. the weights given as `init`; 3. the backbone's ImageNet
    weights; 4. random ones.
    """
    examples = Examples(collection, config, parts=check_parts(config, processes.count))
    state = begin(config, processes.device, init=init, resumes=recorder.resumes)
    if recorder.resumes:
        state.load(recorder.folder.state)
    recorder.begin(state)
    progress = Progress(config.steps, processes)
    model = processes.share(state.network)
    parts_of_steps = steps(examples, config, first=state.step, processes=processes)
    for parts in progress.timed(parts_of_steps):
        set_training(state.network, config)
        seed_all(config.seed, state.step, processes.rank)
        totals = count(parts, processes)
        terms = [learn(model, part, config, totals=totals, processes=processes) for part in parts]
        rate, norm = advance(state, config)
        progress.add(terms)
        if due(state.step, config.log_every, config.steps):
            recorder.report(progress.entry(state.step, rate=rate, gradient=norm))
        if due(state.step, config.validate_every, config.steps):
            recorder.validate(state)
        if due(state.step, config.save_every, config.steps):
            recorder.save(state)
    return state


def begin(
    config: TrainConfig, device: torch.device, *, init: Path | None = None, resumes: bool = False
) -> State:
    """Build the network, its average and its optimiser as they are before the first step."""
    seed_all(config.seed, 0, 0)
    network = first_network(config, None if resumes else init, blank=resumes)
    network.to(device)
    if config.channels_last:
        network = network.to(memory_format=torch.channels_last)
    for part in frozen(network, config):
        part.requires_grad_(False)
    optimiser = build_optimiser(network, config.optimiser)
    return State(network, Average(network, config.optimiser.ema), optimiser)


def first_network(config: TrainConfig, init: Path | None, *, blank: bool) -> MaskNetwork:
    """Build the network to start from; a blank one is filled by what a run goes on from."""
    pretrained = config.pretrained and init is None and not blank
    try:
        network = build(config.model, pretrained=pretrained)
    except ConfigError as error:
        hint = " (--set pretrained=false)" if pretrained else ""
        raise ConfigError(f"{error}{hint}") from error
    if init is not None:
        start, _ = load(init)
        fill(network, start, init)
    return network


def fill(network: MaskNetwork, start: MaskNetwork, path: Path) -> None:
    """Take over another network's weights; its parts must be the same, its sizes may differ.

    The tail depends on the mask's side: it begins anew for another side, but for window masks,
    whose tail does not know it. A network that is told hints takes over one that is not: what it
    is told, and the channels that only it has, count for nothing at first.
    """
    own, theirs = network.state_dict(), start.state_dict()
    before, now = start.config, network.config
    if before.mask_size != now.mask_size and not now.window_masks:
        theirs = without(theirs, tail_names(network), own)
    if now.window_masks and not before.window_masks:
        theirs = grown(own, theirs, tail_names(network))
    try:
        network.load_state_dict(theirs)
    except RuntimeError as error:
        given, wanted = (msgspec.to_builtins(one) for one in (before, now))
        differs = [f"{k} is {given[k]}, not {wanted[k]}" for k in wanted if given[k] != wanted[k]]
        raise WeightsError(
            f"{path}: does not fit the recipe's model: {'; '.join(differs)}. Choose the model of "
            "these weights by --preset or --set, or begin without --init."
        ) from error


Tensors = Mapping[str, Tensor]

# What only networks that are told have, and the layers that look at more there than elsewhere.
TOLD = "backbone.trunk.hints."
FIRST = "branches.0.head.0.0.0.weight"
JUDGING = "quality.body.0.0.weight"


def without(theirs: Tensors, names: tuple[str, ...], own: Tensors) -> dict[str, Tensor]:
    """Return their tensors, but our own where a name begins like one of `names`."""
    mine = {name: x for name, x in own.items() if name.startswith(names)}
    return {name: x for name, x in theirs.items() if not name.startswith(names)} | mine


def grown(own: Tensors, theirs: Tensors, tails: tuple[str, ...]) -> dict[str, Tensor]:
    """Return the tensors of a network that is told, from those of one that is not.

    The head's first layer has the channels that both know first, and the rest begins at zero; the
    quality head's has them in another order and begins anew, as does a tail of another kind. All
    else is taken as it is: whether it fits is for whoever loads it to say.
    """
    same_tail = all(
        name in own and own[name].shape == x.shape
        for name, x in theirs.items()
        if name.startswith(tails)
    )
    taken = dict(theirs) if same_tail else without(theirs, tails, own)
    for name, x in own.items():
        if name.startswith(TOLD) or name == JUDGING or (name.startswith(tails) and same_tail):
            taken.setdefault(name, x)
        if name == JUDGING:
            taken[name] = x
    known = theirs.get(FIRST)
    if known is not None and known.shape[0] == own[FIRST].shape[0]:
        taken[FIRST] = torch.zeros_like(own[FIRST])
        taken[FIRST][:, : known.shape[1]] = known
    return taken


def tail_names(network: MaskNetwork) -> tuple[str, ...]:
    """Return how the names of what turns features into masks begin."""
    modules = network.named_modules()
    return tuple(f"{name}." for name, module in modules if isinstance(module, Project | Enlarge))


def learn(
    model: nn.Module, batch: Batch, config: TrainConfig, *, totals: Totals, processes: Processes
) -> dict[str, Tensor]:
    """Add a part's gradients; return its weighted losses."""
    batch = batch.to(processes.device)
    with torch.autocast(
        processes.device.type, torch.bfloat16, enabled=config.precision == "bfloat16"
    ):
        prediction = model(batch.views)
    terms = losses(prediction, batch, config=config.loss_weights, totals=totals)
    loss = torch.stack(list(terms.values())).sum()
    terms = {name: value.detach() for name, value in terms.items()}
    if not torch.isfinite(loss):
        found = ", ".join(f"{name} {float(value):g}" for name, value in terms.items())
        raise RunError(
            f"the loss is not finite ({found}) on a batch of {len(batch.names)} boxes: "
            f"{'; '.join(batch.names)}. Look at these pictures and masks, or lower optimiser.lr."
        )
    # Processes average their gradients, but the shares of a loss add up over all of them.
    torch.autograd.backward(loss * processes.count)
    return terms


def advance(state: State, config: TrainConfig) -> tuple[float, float]:
    """Take the step that the gradients say; return its rate and the norm of the gradients."""
    rate = set_rate(state.optimiser, config.optimiser, step=state.step, steps=config.steps)
    norm = clip(state.network.parameters(), config.optimiser.clip)
    state.optimiser.step()
    state.optimiser.zero_grad()
    state.average.update(state.network, step=state.step)
    state.step += 1
    return rate, norm


def count(parts: list[Batch], processes: Processes) -> Totals:
    """Count what a step holds over all its parts and processes."""
    weight = sum(float(part.weights.sum()) for part in parts)
    pictures = float(sum(part.pictures for part in parts))
    sums = processes.sum(torch.tensor([weight, pictures], dtype=torch.float64))
    return Totals(weight=float(sums[0]), pictures=float(sums[1]))


def set_training(network: MaskNetwork, config: TrainConfig) -> None:
    """Put a network into training mode, its norms only if they are to adapt."""
    network.train()
    if config.freeze_norm:
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
    if config.optimiser.freeze_backbone:
        network.backbone.eval()
    for part in frozen(network, config):
        part.eval()


def frozen(network: MaskNetwork, config: TrainConfig) -> list[nn.Module]:
    """Return the first parts of the backbone, those that a recipe leaves as they are."""
    count = config.optimiser.freeze_halvings
    return network.backbone.first_parts(count) if count else []


def seed_all(seed: int, step: int, rank: int) -> None:
    """Seed what is random inside a network, such as dropped paths, by the step it belongs to."""
    torch.manual_seed(random.Random(f"{seed} {step} {rank}").getrandbits(63))


def due(step: int, every: int, last: int) -> bool:
    """Tell whether something done every so many steps is done now; always after the last."""
    return step % every == 0 or step == last
