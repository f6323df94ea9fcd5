"""Weights files: what is written is read again, and what is broken says how."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from small_networks import SMALL

from boxmask.errors import WeightsError
from boxmask.models import MaskNetwork, ModelConfig, build
from boxmask.models.header import read_header
from boxmask.models.weights import load_network, replace_card, save_network

CARD = {"name": "small", "trained_on": ["shapes", "Körper"], "scores": {"miou": 0.75}}


def network_of(config: ModelConfig = SMALL) -> MaskNetwork:
    """A network with statistics other than those it starts with."""
    network = build(config)
    for name, buffer in network.named_buffers():
        if "running" in name:
            buffer.uniform_(0.5, 2)
    return network


def stored(path: Path, network: MaskNetwork | None = None) -> Path:
    """A weights file."""
    save_network(path, network or network_of(), CARD)
    return path


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        replace(SMALL, family="deepmac", head="resnet4", quality=False),
        replace(SMALL, backbone="efficientnet-lite0"),
        replace(SMALL, family="deepmarc", backbone="resnet50-fpn", mask_size=64),
    ],
)
def test_a_network_comes_back_as_it_was_saved(tmp_path: Path, config: ModelConfig) -> None:
    network = network_of(config)
    loaded, card = load_network(stored(tmp_path / "small.safetensors", network))
    assert card == CARD
    assert loaded.config == config
    assert not loaded.training
    state = loaded.state_dict()
    assert list(state) == list(network.state_dict())
    assert all(torch.equal(state[name], x) for name, x in network.state_dict().items())
    assert not any(x.is_meta for x in [*loaded.parameters(), *loaded.buffers()])
    assert all(parameter.requires_grad for parameter in loaded.parameters())


def test_another_card_leaves_the_tensors_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    save_network(path, network_of(), CARD, dtype=torch.float16)
    before, config = load_file(path), read_header(path).config
    replace_card(path, {**CARD, "more": [1.5]})
    assert read_header(path).card == {**CARD, "more": [1.5]}
    assert read_header(path).config == config
    after = load_file(path)
    assert list(after) == list(before)
    assert all(after[name].dtype == x.dtype for name, x in before.items())
    assert all(torch.equal(after[name], x) for name, x in before.items())


def test_the_same_network_is_written_as_the_same_bytes(tmp_path: Path) -> None:
    network = network_of()
    files = [stored(tmp_path / f"{i}.safetensors", network).read_bytes() for i in range(4)]
    assert len(set(files)) == 1


def test_half_precision_halves_the_file_and_comes_back_as_float32(tmp_path: Path) -> None:
    network = network_of()
    full, half = tmp_path / "full.safetensors", tmp_path / "half.safetensors"
    save_network(full, network, CARD)
    save_network(half, network, CARD, dtype=torch.float16)
    assert half.stat().st_size < 0.6 * full.stat().st_size
    loaded, _ = load_network(half)
    for name, tensor in loaded.state_dict().items():
        wanted = network.state_dict()[name]
        assert tensor.dtype == wanted.dtype
        assert torch.allclose(tensor, wanted, rtol=1e-3, atol=1e-6)
    kept = load_file(half)
    assert all(kept[name].dtype != torch.float16 for name in kept if kept[name].dim() < 2)


def test_the_header_is_read_without_the_tensors(tmp_path: Path) -> None:
    header = read_header(stored(tmp_path / "small.safetensors"))
    assert header.config == SMALL
    assert header.card == CARD
    assert header.shapes["quality.score.weight"] == (1, 129)


def test_saving_replaces_in_one_step_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = stored(stored(tmp_path / "small.safetensors"))
    assert list(tmp_path.iterdir()) == [path]


def rewritten(path: Path, **changes: object) -> Path:
    """The file with its config changed, or with tensors of other shapes or names."""
    tensors = load_file(path)
    member = {"config": json.loads(SMALL.to_json()), "card": CARD}
    for name, value in changes.items():
        if name in member["config"]:
            member["config"][name] = value
        else:
            key = name.replace("__", ".")
            tensors.pop(key, None)
            if isinstance(value, torch.Tensor):
                tensors[key] = value
    save_file(tensors, path, metadata={"boxmask": json.dumps(member)})
    return path


SCORE = "quality__score__weight"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head_channels": 8}, r"tensor branches\.0\.head\.\S+ is of shape .* and of shape"),
        ({"head": "resnet4"}, r"tensor branches\.0\.head\.\S+ is .*resnet4"),
        ({"quality": False}, r"tensor quality\.\S+ is of shape .* in the file and absent in its"),
        ({SCORE: None}, r"tensor quality\.score\.weight is absent in the file and of shape"),
        ({SCORE: torch.ones(1, 2)}, r"quality\.score\.weight is of shape \(1, 2\) in the file"),
        ({"extra": torch.ones(3)}, r"tensor extra is of shape \(3,\) in the file and absent"),
        ({"family": "yolo"}, r"metadata cannot be used: no family is called 'yolo'"),
        ({"backbone": "vgg"}, r"no backbone 'vgg'"),
    ],
)
def test_config_and_tensors_that_disagree_are_named(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = rewritten(stored(tmp_path / "small.safetensors"), **changes)
    with pytest.raises(WeightsError, match=message) as caught:
        load_network(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("share", [0.0001, 0.02, 0.5, 0.999])
def test_a_truncated_file_is_called_so(tmp_path: Path, share: float) -> None:
    path = stored(tmp_path / "small.safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(WeightsError, match="truncated or not safetensors"):
        load_network(path)


def test_a_truncated_file_whose_header_is_as_long_as_a_pickle_begins_is_called_so(
    tmp_path: Path,
) -> None:
    path = tmp_path / "long.safetensors"
    path.write_bytes((0x480).to_bytes(8, "little") + b'{"')
    with pytest.raises(WeightsError, match="truncated or not safetensors"):
        load_network(path)


def test_an_empty_file_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "empty.safetensors"
    path.touch()
    with pytest.raises(WeightsError, match="the file is empty"):
        load_network(path)


def test_a_pickle_is_refused_without_running_it(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save(network_of().state_dict(), path)
    with pytest.raises(WeightsError, match="a PyTorch pickle, which could run code"):
        load_network(path)
    path.write_bytes(pickle.dumps({"weight": [1.0]}))
    with pytest.raises(WeightsError, match="a PyTorch pickle, which could run code"):
        load_network(path)


def test_safetensors_of_others_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.ones(2)}, path)
    with pytest.raises(WeightsError, match="without boxmask's config"):
        load_network(path)


@pytest.mark.parametrize("member", ["{", "[]", '{"config": {}}', '{"config": {}, "card": 3}'])
def test_broken_metadata_is_called_so(tmp_path: Path, member: str) -> None:
    path = tmp_path / "broken.safetensors"
    save_file({"weight": torch.ones(2)}, path, metadata={"boxmask": member})
    with pytest.raises(WeightsError, match="metadata cannot be used"):
        load_network(path)


def test_a_missing_file_and_a_folder_are_called_so(tmp_path: Path) -> None:
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(WeightsError, match=r"no such weights file|a folder, no weights file"):
            load_network(path)


@pytest.mark.parametrize("dtype", [torch.int32, torch.bool, torch.complex64])
def test_tensors_of_other_kinds_of_numbers_are_refused(tmp_path: Path, dtype: torch.dtype) -> None:
    path = stored(tmp_path / "small.safetensors")
    metadata = {"boxmask": json.dumps({"config": json.loads(SMALL.to_json()), "card": {}})}
    tensors = {name: tensor.to(dtype) for name, tensor in load_file(path).items()}
    save_file(tensors, path, metadata)
    with pytest.raises(WeightsError, match="its network computes with"):
        load_network(path)


@pytest.mark.parametrize(
    "wild",
    [
        {"view_size": 20_000},
        {"view_size": 10**12},
        {"image_size": 10**6},
        {"feature_channels": 10**9},
        {"feature_channels": 10**18},
        {"head_channels": 10**12},
        {"context": 1e300},
    ],
)
def test_sizes_are_bounded_before_memory_is_asked_for(tmp_path: Path, wild: dict[str, int]) -> None:
    path = stored(tmp_path / "small.safetensors")
    config = json.loads(SMALL.to_json()) | wild
    metadata = {"boxmask": json.dumps({"config": config, "card": {}})}
    save_file(load_file(path), path, metadata)
    with pytest.raises(WeightsError, match=f"{next(iter(wild))} is .*; give .* or less"):
        load_network(path)


def test_metadata_nested_without_end_are_refused(tmp_path: Path) -> None:
    path = stored(tmp_path / "small.safetensors")
    deep = 100_000 * "[" + 100_000 * "]"
    for member in (f'{{"config": {deep}, "card": {{}}}}', f'{{"config": {{}}, "card": {deep}}}'):
        save_file(load_file(path), path, {"boxmask": member})
        with pytest.raises(WeightsError, match="its metadata cannot be used"):
            load_network(path)
