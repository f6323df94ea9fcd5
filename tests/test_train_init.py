"""A run starts from the weights of another network, as far as they fit."""

from pathlib import Path

import pytest
import torch
from training_files import TOLD, run_training, same_weights, saved_weights, tiny, write_dataset

from boxmask.errors import WeightsError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "data")


def test_weights_of_another_model_say_what_differs(path: Path, tmp_path: Path) -> None:
    run_training(path, tmp_path / "first", tiny("steps=1"))
    config = tiny("steps=1", "model.head=fc2")
    with pytest.raises(WeightsError, match=r"head is hourglass10, not fc2\. Choose the model"):
        run_training(
            path, tmp_path / "second", config, init=tmp_path / "first" / "last.safetensors"
        )


def test_a_run_can_start_from_weights(path: Path, tmp_path: Path) -> None:
    run_training(path, tmp_path / "first", tiny("steps=2", "optimiser.ema=none"))
    config = tiny("steps=1", "optimiser.lr=0", "freeze_norm=true", "optimiser.ema=none")
    run_training(path, tmp_path / "second", config, init=tmp_path / "first" / "last.safetensors")
    assert same_weights(tmp_path / "first", tmp_path / "second")


def test_a_run_with_larger_masks_takes_over_all_but_the_tail(path: Path, tmp_path: Path) -> None:
    run_training(path, tmp_path / "first", tiny("steps=2", "optimiser.ema=none"))
    first = tmp_path / "first" / "last.safetensors"
    still = ("steps=1", "optimiser.lr=0", "freeze_norm=true", "optimiser.ema=none")
    run_training(path, tmp_path / "second", tiny("model.mask_size=32", *still), init=first)
    before, after = saved_weights(tmp_path / "first"), saved_weights(tmp_path / "second")
    body = [name for name in before if not name.startswith("branches.0.head.1.")]
    assert all(torch.equal(before[name], after[name]) for name in body)
    assert len(body) == len(before) - 2 and "branches.0.head.1.enlarge.weight" in after


def test_a_network_that_is_told_takes_over_one_that_is_not(path: Path, tmp_path: Path) -> None:
    old = ("model.mask_size=32", "optimiser.ema=none")
    run_training(path, tmp_path / "first", tiny("steps=2", *old))
    still = ("steps=1", "optimiser.lr=0", "freeze_norm=true", "optimiser.ema=none")
    config = tiny(*TOLD, *still)
    run_training(path, tmp_path / "second", config, init=tmp_path / "first" / "last.safetensors")
    before, after = saved_weights(tmp_path / "first"), saved_weights(tmp_path / "second")
    first = "branches.0.head.0.0.0.weight"
    begun = {"quality.body.0.0.weight", first}
    assert all(torch.equal(before[name], after[name]) for name in before if name not in begun)
    known = before[first].shape[1]
    assert torch.equal(after[first][:, :known], before[first])
    assert not after[first][:, known:].any()


def test_masks_of_another_kind_are_taken_over_but_for_the_tail(path: Path, tmp_path: Path) -> None:
    run_training(
        path, tmp_path / "first", tiny("steps=1", "optimiser.ema=none")
    )  # masks of the crop's side
    still = ("steps=1", "optimiser.lr=0", "freeze_norm=true", "optimiser.ema=none")
    first = tmp_path / "first" / "last.safetensors"
    run_training(path, tmp_path / "second", tiny(*TOLD, *still), init=first)
    before, after = saved_weights(tmp_path / "first"), saved_weights(tmp_path / "second")
    kept = [name for name in before if "head.1." not in name and name in after]
    same_shape = [name for name in kept if before[name].shape == after[name].shape]
    assert len(same_shape) >= len(kept) - 2
    assert all(torch.equal(before[name], after[name]) for name in same_shape)


def test_the_tail_of_window_masks_is_kept_at_another_view_size(path: Path, tmp_path: Path) -> None:
    run_training(path, tmp_path / "first", tiny(*TOLD, "steps=1", "optimiser.ema=none"))
    still = ("steps=1", "optimiser.lr=0", "freeze_norm=true", "optimiser.ema=none")
    config = tiny(*TOLD, "model.view_size=80", *still)
    run_training(path, tmp_path / "second", config, init=tmp_path / "first" / "last.safetensors")
    assert same_weights(tmp_path / "first", tmp_path / "second")


@pytest.mark.parametrize("change", ["model.head=hourglass20", "model.feature_channels=24"])
def test_a_network_that_is_told_takes_over_no_other_network(
    path: Path, tmp_path: Path, change: str
) -> None:
    run_training(path, tmp_path / "first", tiny("steps=1", "model.mask_size=32", change))
    config = tiny("steps=1", *TOLD)
    with pytest.raises(WeightsError, match=r"Choose the model of these weights"):
        run_training(
            path, tmp_path / "second", config, init=tmp_path / "first" / "last.safetensors"
        )


def test_the_first_halvings_stay_as_they_were(path: Path, tmp_path: Path) -> None:
    run_training(path, tmp_path / "first", tiny("steps=1", "optimiser.ema=none"))
    config = tiny("steps=3", "optimiser.freeze_halvings=2", "optimiser.ema=none")
    run_training(path, tmp_path / "second", config, init=tmp_path / "first" / "last.safetensors")
    before, after = saved_weights(tmp_path / "first"), saved_weights(tmp_path / "second")
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    steps = ("backbone.trunk.steps.0.", "backbone.trunk.steps.1.")
    assert not any(name.startswith(steps) for name in moved)
    assert any(name.startswith("backbone.trunk.steps.2.") for name in moved)
