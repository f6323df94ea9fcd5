"""The loop: it learns, does what its options say, and stops where it must."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from training_files import (
    VARIED,
    edit_annotations,
    read_log,
    run_training,
    same_weights,
    saved_weights,
    tiny,
    write_dataset,
)

from boxmask.errors import InputError, RunError
from boxmask.models.weights import load_network


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "data")


def test_three_shapes_are_learnt_by_heart(tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "data", images=1)
    config = tiny("steps=100", "batch=6", "augment.flip=0", "validate_every=100", "save_every=100")
    config_job: dict[str, Any] = {"val": (path,), "val_images": (path.parent / "images",)}
    summary = run_training(path, tmp_path / "run", config, **config_job)
    assert summary["scores"]["miou_overall"] > 0.9
    assert summary["scores"]["quality_error"] < 0.15


def test_corrupting_unseen_masks_changes_no_weight(path: Path, tmp_path: Path) -> None:
    config = tiny(*VARIED, "seen=dog,kite", "steps=3")
    run_training(path, tmp_path / "before", config)
    edit_annotations(path, of=3, segmentation=[[0, 0, 5, 0, 5, 5]])
    run_training(path, tmp_path / "after", config)
    assert same_weights(tmp_path / "before", tmp_path / "after")


def test_a_loss_that_is_not_finite_names_its_batch(path: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"not finite.*\d\.png annotation \d+"):
        run_training(
            path, tmp_path / "run", tiny("optimiser.lr=1e30", "optimiser.warm_up=0", "steps=20")
        )


def test_a_frozen_backbone_stays_as_it_was(path: Path, tmp_path: Path) -> None:
    run_training(path, tmp_path / "a", tiny("optimiser.freeze_backbone=true", "steps=1"))
    run_training(path, tmp_path / "b", tiny("optimiser.freeze_backbone=true", "steps=3"))
    one, other = saved_weights(tmp_path / "a"), saved_weights(tmp_path / "b")
    moved = {name.split(".")[0] for name in one if not torch.equal(one[name], other[name])}
    assert moved == {"branches", "quality"}


def test_bfloat16_computes_nearly_the_same_losses(path: Path, tmp_path: Path) -> None:
    losses = []
    for precision in ("float32", "bfloat16"):
        run_training(path, tmp_path / precision, tiny(f"precision={precision}", "steps=2"))
        losses.append([entry["loss"] for entry in read_log(tmp_path / precision)])
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
    assert all(one != other for one, other in zip(*losses, strict=True))


def test_frozen_norms_keep_their_statistics(path: Path, tmp_path: Path) -> None:
    for name in ("true", "false"):
        run_training(path, tmp_path / name, tiny(f"freeze_norm={name}", "steps=2"))
        means = [x for key, x in saved_weights(tmp_path / name).items() if "running_mean" in key]
        assert means and all(bool(mean.any()) == (name == "false") for mean in means)


def test_without_ema_the_weights_themselves_are_shipped(path: Path, tmp_path: Path) -> None:
    for decay in ("none", "0.9"):
        run_training(path, tmp_path / decay, tiny(f"optimiser.ema={decay}", "steps=2"))
        shipped = load_network(tmp_path / decay / "last.safetensors")[0].state_dict()
        last = saved_weights(tmp_path / decay)
        # Weights are shipped in halves.
        gap = max(float((shipped[name] - x).abs().max()) for name, x in last.items())
        assert (gap < 1e-3) == (decay == "none")


@pytest.mark.parametrize("workers", [0, 1])
def test_broken_images_and_masks_are_left_out_and_counted(
    path: Path, tmp_path: Path, workers: int
) -> None:
    (path.parent / "images" / "2.png").write_bytes(b"no image")
    content = json.loads(path.read_text())
    content["annotations"][0]["segmentation"] = {"size": [7, 7], "counts": "01"}
    path.write_text(json.dumps(content))
    config = tiny("steps=6", "validate_every=6", f"workers={workers}")
    val: dict[str, Any] = {"val": (path,), "val_images": (path.parent / "images",)}
    summary = run_training(path, tmp_path / "run", config, **val)
    reasons = {
        reason for entry in read_log(tmp_path / "run") for reason in entry.get("left_out", ())
    }
    assert summary["left_out"] == len(reasons) == 2
    assert any("2.png: not an image" in reason for reason in reasons)
    assert any("annotations.json: 1.png annotation 1: " in reason for reason in reasons)
    assert "left out: 2 images" in (tmp_path / "run" / "MODEL_CARD.md").read_text()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_folder_without_the_images_stops_the_run(
    path: Path, tmp_path: Path, workers: int
) -> None:
    with pytest.raises(InputError, match=r"could not be used.*image missing.*Check --images"):
        run_training(path, tmp_path / "run", tiny(f"workers={workers}"), images=(tmp_path,))


def test_validation_images_that_are_all_missing_stop_the_run(path: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing to measure on can be used: .*image missing"):
        run_training(path, tmp_path / "run", tiny(), val=(path,), val_images=(tmp_path,))
