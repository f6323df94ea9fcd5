"""From a checkpoint to a network of ours: every tensor of both is accounted for by its name."""

import re

import torch
from torch import Tensor, nn

from boxmask.errors import WeightsError
from boxmask.models.config import ModelConfig
from boxmask.models.network import MaskNetwork
from boxmask.models.normalise import Normalise
from boxmask.published.checkpoint import Checkpoint
from boxmask.published.families import Recognised
from boxmask.published.layers import Value, as_tensor, values_of
from boxmask.published.objects import GRAPH_KEY

# Of the keys in a file, those of training.
_OF_TRAINING = (
    rf"^{GRAPH_KEY}$",
    r"/\.OPTIMIZER_SLOT/",
    r"^_?(optimizer|save_counter|step|global_step)/",
)
_SHOWN = 6


def convert(recognised: Recognised, config: ModelConfig) -> MaskNetwork:
    """Return the network of a checkpoint, ready for inference; raise if it does not fit exactly."""
    checkpoint, network = recognised.checkpoint, recognised.network(config)
    keys = _keys(recognised, network)
    _refuse_left_over(recognised, set(keys.values()))
    state: dict[str, Tensor] = {}
    for layer in recognised.paths(network):
        module = network.get_submodule(layer)
        for value in values_of(module):
            name = f"{layer}.{value.ours}"
            state[name] = _tensor(checkpoint, keys[name], value, module)
    network.load_state_dict(state | _own(network), assign=True)
    return network.eval()


def _keys(recognised: Recognised, network: MaskNetwork) -> dict[str, str]:
    """Return the key in the file of every tensor of a network."""
    objects, entries = recognised.checkpoint.objects, recognised.checkpoint.entries
    keys, missing = {}, []
    for layer, path in recognised.paths(network).items():
        for value in values_of(network.get_submodule(layer)):
            key = objects.find(f"{path}.{value.theirs}").key if path else ""
            keys[f"{layer}.{value.ours}"] = key
            if key not in entries:
                missing.append(f"{path}.{value.theirs}" if path else f"the layer for {layer}")
    if missing:
        raise WeightsError(
            f"{recognised.checkpoint.prefix}: {recognised.family.title} with "
            f"{network.config.backbone} and {network.config.head} needs {_listed(missing)}, not "
            "there; the file is of another model or of another version of the authors' code."
        )
    return keys


def _refuse_left_over(recognised: Recognised, used: set[str]) -> None:
    """Raise if the file has tensors that are neither taken over nor known to be for other ends."""
    known = re.compile("|".join((*_OF_TRAINING, *recognised.family.table.LEFT_OUT)))
    left = [
        key for key in recognised.checkpoint.entries if key not in used and not known.search(key)
    ]
    if left:
        raise WeightsError(
            f"{recognised.checkpoint.prefix}: {_listed(left)} left over; the file is of another "
            "model or of another version of the authors' code."
        )


def _tensor(checkpoint: Checkpoint, key: str, value: Value, module: nn.Module) -> Tensor:
    """Read one tensor, in our shape."""
    wanted = getattr(module, value.ours)
    found = value.convert(checkpoint.tensor(key), module)
    if found.shape != tuple(wanted.shape):
        raise WeightsError(
            f"{checkpoint.prefix}: {key} has the shape {checkpoint.entries[key].shape}, which "
            f"makes {found.shape}, not {tuple(wanted.shape)}; the file is of another model."
        )
    return as_tensor(found)


def _own(network: MaskNetwork) -> dict[str, Tensor]:
    """Return the tensors that a file has nothing for: of the pixels' scale, and counters."""
    scale = Normalise(network.backbone.scale).state_dict(prefix="normalise.")
    counters = (name for name in network.state_dict() if name.endswith(".num_batches_tracked"))
    return {**scale, **{name: torch.tensor(0) for name in counters}}


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
