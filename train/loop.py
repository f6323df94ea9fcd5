"""The training loop: one step after another, each a function of its number alone."""

import random
from pathlib import Path

import msgspec
import torch
from torch import Tensor, nn

from boxmask.errors import RunError, WeightsError
from boxmask.models.detectors import DETECTORS
from boxmask.models.network import MaskNetwork, build
from boxmask.models.presets import PRESETS
from boxmask.models.warm_start import MisfitError, start_from
from boxmask.models.weights import load_network
from boxmask.train.data.batch import Batch
from boxmask.train.data.batch_dataset import BatchDataset
from boxmask.train.data.collection import Collection
from boxmask.train.data.loader import check_parts, iterate_steps
from boxmask.train.data.proposals import on_proposals
from boxmask.train.distributed import Processes
from boxmask.train.loss import Totals, detection_losses, losses
from boxmask.train.optimiser import build_optimiser, clip, set_rate
from boxmask.train.recipe import TrainConfig
from boxmask.train.shapes import show_shapes
from boxmask.train.state import EMA, State
from boxmask.train.watch.progress import Progress
from boxmask.train.watch.recorder import Recorder


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
    examples = BatchDataset(collection, config, parts=check_parts(config, processes.count))
    state = _build_state(
        config, processes.device, init=init, resumes=recorder.resumes, examples=examples
    )
    if recorder.resumes:
        state.load(recorder.folder.state)
    recorder.begin(state)
    progress = Progress(config.steps, processes)
    model = processes.wrap_ddp(state.network)
    parts_of_steps = iterate_steps(examples, config, first=state.step, processes=processes)
    for parts in progress.timed(parts_of_steps):
        _set_training(state.network, config)
        _seed_all(config.seed, state.step, processes.rank)
        totals = _count_totals(parts, processes)
        terms = [
            _backward_part(model, part, config, totals=totals, processes=processes)
            for part in parts
        ]
        rate, norm = _optimiser_step(state, config)
        progress.add(terms)
        if _is_due(state.step, config.log_every, config.steps):
            recorder.report(progress.entry(state.step, rate=rate, gradient=norm))
        if _is_due(state.step, config.validate_every, config.steps):
            recorder.validate(state)
        if _is_due(state.step, config.save_every, config.steps):
            recorder.save(state)
    return state


def _build_state(
    config: TrainConfig,
    device: torch.device,
    *,
    init: Path | None = None,
    resumes: bool = False,
    examples: BatchDataset | None = None,
) -> State:
    """Build the network, its average and its optimiser as they are before the first step."""
    _seed_all(config.seed, 0, 0)
    network = _build_network(config, None if resumes else init, blank=resumes)
    if examples is not None and init is None and not resumes:
        show_shapes(network, examples)
    network.to(device)
    if config.channels_last:
        network = network.to(memory_format=torch.channels_last)
    for part in _frozen_parts(network, config):
        part.requires_grad_(False)
    optimiser = build_optimiser(network, config.optimiser)
    return State(network, EMA(network, config.optimiser.ema), optimiser)


def _build_network(config: TrainConfig, init: Path | None, *, blank: bool) -> MaskNetwork:
    """Build the network to start from; a blank one is filled by what a run goes on from."""
    pretrained = config.pretrained and init is None and not blank
    network = build(config.model, pretrained=pretrained)
    if init is not None:
        _start_from_file(network, init)
    return network


def _start_from_file(network: MaskNetwork, path: Path) -> None:
    """Give a network the weights of a file, of a network that has the same parts or fewer."""
    start, _ = load_network(path)
    try:
        start_from(network, start)
    except MisfitError as error:
        given, wanted = (msgspec.to_builtins(one.config) for one in (start, network))
        differs = [f"{k} is {given[k]}, not {wanted[k]}" for k in wanted if given[k] != wanted[k]]
        same = [f"--preset {name}" for name, model in PRESETS.items() if model == start.config]
        raise WeightsError(
            f"{path}: does not fit the recipe's model: {'; '.join(differs)}. Choose the model of "
            f"these weights by {(same or ['--preset or --set'])[0]}, or begin without --init."
        ) from error


def _backward_part(
    model: nn.Module, batch: Batch, config: TrainConfig, *, totals: Totals, processes: Processes
) -> dict[str, Tensor]:
    """Add a part's gradients; return its weighted losses."""
    batch = batch.to(processes.device)
    with torch.autocast(
        processes.device.type, torch.bfloat16, enabled=config.precision == "bfloat16"
    ):
        prediction = model(batch.views, truth=batch.truth)
    if prediction.positives is not None:
        batch = on_proposals(batch, prediction.positives)
    terms = losses(prediction, batch, config=config.loss_weights, totals=totals)
    if prediction.detection is not None:
        mean_over = DETECTORS[str(config.model.detector)].mean_over
        terms |= detection_losses(
            prediction.detection, batch, mean_over=mean_over, config=config.loss, totals=totals
        )
    loss = torch.stack(list(terms.values())).sum()
    terms = {name: value.detach() for name, value in terms.items()}
    if not torch.isfinite(loss):
        found = ", ".join(f"{name} {float(value):g}" for name, value in terms.items())
        raise RunError(
            f"the loss is not finite ({found}) on a batch of {len(batch.names)} boxes: "
            f"{'; '.join(batch.names)}. Look at these images and masks, or lower optimiser.lr."
        )
    # Processes average their gradients, but the shares of a loss add up over all of them.
    torch.autograd.backward(loss * processes.count)
    return terms


def _optimiser_step(state: State, config: TrainConfig) -> tuple[float, float]:
    """Take the step that the gradients say; return its rate and the norm of the gradients."""
    rate = set_rate(state.optimiser, config.optimiser, step=state.step, steps=config.steps)
    norm = clip(state.network.parameters(), config.optimiser.clip)
    state.optimiser.step()
    state.optimiser.zero_grad()
    state.ema.update(state.network, step=state.step)
    state.step += 1
    return rate, norm


def _count_totals(parts: list[Batch], processes: Processes) -> Totals:
    """Count what a step holds over all its parts and processes."""
    weight = sum(float(part.weights.sum()) for part in parts)
    images = float(sum(part.images for part in parts))
    boxes = float(sum(0 if part.truth is None else len(part.truth) for part in parts))
    sums = processes.sum(torch.tensor([weight, images, boxes], dtype=torch.float64))
    return Totals(*sums.tolist())


def _set_training(network: MaskNetwork, config: TrainConfig) -> None:
    """Put a network into training mode, its norms only if they are to adapt."""
    network.train()
    if config.freeze_norm:
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
    if config.optimiser.freeze_backbone:
        network.backbone.eval()
    for part in _frozen_parts(network, config):
        part.eval()


def _frozen_parts(network: MaskNetwork, config: TrainConfig) -> list[nn.Module]:
    """Return the first parts of the backbone, those that a recipe leaves as they are."""
    count = config.optimiser.freeze_halvings
    return network.backbone.first_parts(count) if count else []


def _seed_all(seed: int, step: int, rank: int) -> None:
    """Seed what is random inside a network, such as dropped paths, by the step it belongs to."""
    torch.manual_seed(random.Random(f"{seed} {step} {rank}").getrandbits(63))


def _is_due(step: int, every: int, last: int) -> bool:
    """Tell whether something done every so many steps is done now; always after the last."""
    return step % every == 0 or step == last
