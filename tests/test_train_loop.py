"""The loop: it learns, resumes bit for bit, sums over processes, and stops where it must."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from training_files import TOLD, VARIED, WHOLE, edit_annotations, tiny, write_dataset

from boxmask.errors import ConfigError, InputError, RunError, WeightsError
from boxmask.models.weights import load_network
from boxmask.train.recipe import TrainConfig
from boxmask.train.recipe_text import to_json
from boxmask.train.run import Job, run

AGAIN = """
import sys, torch
from pathlib import Path
from boxmask.train.run import Job, run
from boxmask.train.recipe_text import from_json
if __name__ == "__main__":
    torch.set_num_threads(1)
    data, out, recipe = (Path(text) for text in sys.argv[1:4])
    job = Job(annotations=(data,), images=(data.parent / "images",), out=out, device="cpu",
              resume="--resume" in sys.argv)
    run(job, from_json(recipe.read_bytes()), report=lambda entry: print(entry, flush=True))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "data")


def train(path: Path, out: Path, config: TrainConfig, **more: Any) -> dict[str, Any]:
    job = Job(annotations=(path,), images=(path.parent / "images",), out=out, device="cpu", **more)
    return run(job, config, report=more.pop("report", lambda entry: None))


def weights(out: Path) -> dict[str, torch.Tensor]:
    """Read what a run would go on from."""
    state = torch.load(out / "state.pt", weights_only=True)
    found: dict[str, torch.Tensor] = state["network"]
    return found


def same(one: Path, other: Path) -> bool:
    return all(
        torch.equal(a, b)
        for a, b in zip(weights(one).values(), weights(other).values(), strict=True)
    )


def log(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def start(path: Path, out: Path, config: TrainConfig, *more: str, processes: int = 1) -> Any:
    """Train in a process of its own, or in several under torchrun."""
    recipe = out.with_suffix(".json")
    recipe.write_text(to_json(config), encoding="utf-8")
    script = out.with_suffix(".py")
    script.write_text(AGAIN, encoding="utf-8")
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [sys.executable, *(torchrun if processes > 1 else []), str(script)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())}
    return subprocess.Popen(
        [*command, str(path), str(out), str(recipe), *more],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_three_shapes_are_learnt_by_heart(tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "data", images=1)
    config = tiny("steps=100", "batch=6", "augment.flip=0", "validate_every=100", "save_every=100")
    config_job = {"val": (path,), "val_images": (path.parent / "images",)}
    summary = train(path, tmp_path / "run", config, **config_job)
    assert summary["scores"]["miou_overall"] > 0.9
    assert summary["scores"]["quality_error"] < 0.15


@pytest.mark.parametrize("family", [(), WHOLE], ids=["zoom", "whole"])
def test_a_resumed_run_ends_with_the_same_weights(
    path: Path, tmp_path: Path, family: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny(*VARIED, *family)
    train(path, tmp_path / "whole", config)

    def stop(entry: dict[str, Any]) -> None:
        if entry["step"] == 5:
            raise KeyboardInterrupt

    job = Job((path,), (path.parent / "images",), tmp_path / "cut", device="cpu")
    with pytest.raises(KeyboardInterrupt):
        run(job, config, report=stop)
    assert torch.load(tmp_path / "cut" / "state.pt", weights_only=True)["step"] == 4
    train(path, tmp_path / "cut", config, resume=True)
    assert same(tmp_path / "whole", tmp_path / "cut")
    average = [load_network(tmp_path / name / "last.safetensors")[0] for name in ("whole", "cut")]
    pairs = zip(*(one.state_dict().values() for one in average), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_a_resumed_run_remembers_what_was_measured(path: Path, tmp_path: Path) -> None:
    val = {"val": (path,), "val_images": (path.parent / "images",)}
    config = tiny("steps=4", "validate_every=4")
    summary = train(path, tmp_path / "run", config, **val)
    again = train(path, tmp_path / "run", config, resume=True, **val)
    assert again["scores"] == summary["scores"] != {}


def test_a_killed_run_goes_on_to_the_same_weights(path: Path, tmp_path: Path) -> None:
    config = tiny("steps=12", "save_every=1")
    train(path, tmp_path / "whole", config)
    victim = start(path, tmp_path / "cut", replace(config, workers=1))
    while not (tmp_path / "cut" / "state.pt").exists():
        assert victim.poll() is None, victim.communicate()
        time.sleep(0.01)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    train(path, tmp_path / "cut", config, resume=True)
    assert same(tmp_path / "whole", tmp_path / "cut")
    assert [entry["step"] for entry in log(tmp_path / "cut")] == list(range(1, 13))


def test_two_processes_match_one(path: Path, tmp_path: Path) -> None:
    # Each part of a batch has batch statistics of its own, in one process as in two.
    train(path, tmp_path / "one", tiny("accumulate=2", "optimiser.name=sgd", "steps=3"))
    config = tiny("optimiser.name=sgd", "steps=3")
    several = start(path, tmp_path / "two", config, processes=2)
    said, errors = several.communicate()
    assert several.returncode == 0, errors
    learnt = [
        name
        for name, _ in load_network(tmp_path / "one" / "last.safetensors")[0].named_parameters()
    ]
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    for name in learnt:
        torch.testing.assert_close(one[name], two[name], rtol=1e-4, atol=1e-5)
    losses = [[entry["loss"] for entry in log(tmp_path / name)] for name in ("one", "two")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert said.count("'step': 3") == 1


def test_corrupting_unseen_masks_changes_no_weight(path: Path, tmp_path: Path) -> None:
    config = tiny(*VARIED, "seen=dog,kite", "steps=3")
    train(path, tmp_path / "before", config)
    edit_annotations(path, of=3, segmentation=[[0, 0, 5, 0, 5, 5]])
    train(path, tmp_path / "after", config)
    assert same(tmp_path / "before", tmp_path / "after")


def test_a_loss_that_is_not_finite_names_its_batch(path: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"not finite.*\d\.png annotation \d+"):
        train(path, tmp_path / "run", tiny("optimiser.lr=1e30", "optimiser.warm_up=0", "steps=20"))


def test_a_frozen_backbone_stays_as_it_was(path: Path, tmp_path: Path) -> None:
    train(path, tmp_path / "a", tiny("optimiser.freeze_backbone=true", "steps=1"))
    train(path, tmp_path / "b", tiny("optimiser.freeze_backbone=true", "steps=3"))
    one, other = weights(tmp_path / "a"), weights(tmp_path / "b")
    moved = {name.split(".")[0] for name in one if not torch.equal(one[name], other[name])}
    assert moved == {"branches", "quality"}


@pytest.mark.parametrize("change", ["precision=bfloat16", "freeze_norm=true", "optimiser.ema=none"])
def test_variants_of_the_recipe_train(path: Path, tmp_path: Path, change: str) -> None:
    summary = train(path, tmp_path / "run", tiny(change, "steps=2"))
    assert summary["steps"] == 2


def test_another_recipe_does_not_resume(path: Path, tmp_path: Path) -> None:
    train(path, tmp_path / "run", tiny("steps=2"))
    with pytest.raises(RunError, match=r"--resume goes on with it"):
        train(path, tmp_path / "run", tiny("steps=2"))
    with pytest.raises(RunError, match=r'"steps": 2.* is now "steps": 3'):
        train(path, tmp_path / "run", tiny("steps=3"), resume=True)


def test_changed_annotations_do_not_resume(path: Path, tmp_path: Path) -> None:
    train(path, tmp_path / "run", tiny("steps=2"))
    moved = write_dataset(tmp_path / "moved")
    assert train(moved, tmp_path / "run", tiny("steps=2"), resume=True)["steps"] == 2
    edit_annotations(path, of=1, segmentation=[[0, 0, 5, 0, 5, 5]])
    with pytest.raises(RunError, match=r"annotations\.json holds other bytes than before"):
        train(path, tmp_path / "run", tiny("steps=2"), resume=True)


def test_other_seen_classes_in_a_file_of_names_do_not_resume(path: Path, tmp_path: Path) -> None:
    names = tmp_path / "seen.txt"
    names.write_text("dog\n")
    train(path, tmp_path / "run", tiny("steps=1", f"seen={names}"))
    names.write_text("kite\n")
    with pytest.raises(RunError, match=r"other classes of annotations\.json are seen"):
        train(path, tmp_path / "run", tiny("steps=1", f"seen={names}"), resume=True)


def test_a_run_that_failed_at_once_is_in_nobodys_way(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no head is called"):
        train(path, tmp_path / "run", tiny("model.head=nonsense"))
    assert train(path, tmp_path / "run", tiny("steps=1"))["steps"] == 1


@pytest.mark.parametrize("workers", [0, 1])
def test_broken_pictures_and_masks_are_left_out_and_counted(
    path: Path, tmp_path: Path, workers: int
) -> None:
    (path.parent / "images" / "2.png").write_bytes(b"no picture")
    content = json.loads(path.read_text())
    content["annotations"][0]["segmentation"] = {"size": [7, 7], "counts": "01"}
    path.write_text(json.dumps(content))
    config = tiny("steps=6", "validate_every=6", f"workers={workers}")
    val = {"val": (path,), "val_images": (path.parent / "images",)}
    summary = train(path, tmp_path / "run", config, **val)
    reasons = {reason for entry in log(tmp_path / "run") for reason in entry.get("left_out", ())}
    assert summary["left_out"] == len(reasons) == 2
    assert any("2.png: not an image" in reason for reason in reasons)
    assert any("annotations.json: 1.png annotation 1: " in reason for reason in reasons)
    assert "left out: 2 pictures" in (tmp_path / "run" / "MODEL_CARD.md").read_text()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_folder_without_the_pictures_stops_the_run(
    path: Path, tmp_path: Path, workers: int
) -> None:
    job = Job((path,), (tmp_path,), tmp_path / "run", device="cpu")
    with pytest.raises(InputError, match=r"could not be used.*image missing.*Check --images"):
        run(job, tiny(f"workers={workers}"), report=lambda entry: None)


def test_validation_pictures_that_are_all_missing_stop_the_run(path: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing to measure on can be used: .*image missing"):
        train(path, tmp_path / "run", tiny(), val=(path,), val_images=(tmp_path,))


def test_weights_of_another_model_say_what_differs(path: Path, tmp_path: Path) -> None:
    train(path, tmp_path / "first", tiny("steps=1"))
    config = tiny("steps=1", "model.head=fc2")
    with pytest.raises(WeightsError, match=r"head is hourglass10, not fc2\. Choose the model"):
        train(path, tmp_path / "second", config, init=tmp_path / "first" / "last.safetensors")


def test_a_run_can_start_from_weights(path: Path, tmp_path: Path) -> None:
    train(path, tmp_path / "first", tiny("steps=2", "optimiser.ema=none"))
    config = tiny("steps=1", "optimiser.lr=0", "freeze_norm=true", "optimiser.ema=none")
    train(path, tmp_path / "second", config, init=tmp_path / "first" / "last.safetensors")
    assert same(tmp_path / "first", tmp_path / "second")


def test_a_run_with_larger_masks_takes_over_all_but_the_tail(path: Path, tmp_path: Path) -> None:
    train(path, tmp_path / "first", tiny("steps=2", "optimiser.ema=none"))
    first = tmp_path / "first" / "last.safetensors"
    still = ("steps=1", "optimiser.lr=0", "freeze_norm=true", "optimiser.ema=none")
    train(path, tmp_path / "second", tiny("model.mask_size=32", *still), init=first)
    before, after = weights(tmp_path / "first"), weights(tmp_path / "second")
    body = [name for name in before if not name.startswith("branches.0.head.1.")]
    assert all(torch.equal(before[name], after[name]) for name in body)
    assert len(body) == len(before) - 2 and "branches.0.head.1.enlarge.weight" in after


def test_a_network_that_is_told_takes_over_one_that_is_not(path: Path, tmp_path: Path) -> None:
    old = ("model.mask_size=32", "optimiser.ema=none")
    train(path, tmp_path / "first", tiny("steps=2", *old))
    still = ("steps=1", "optimiser.lr=0", "freeze_norm=true", "optimiser.ema=none")
    config = tiny(*TOLD, *still)
    train(path, tmp_path / "second", config, init=tmp_path / "first" / "last.safetensors")
    before, after = weights(tmp_path / "first"), weights(tmp_path / "second")
    first = "branches.0.head.0.0.0.weight"
    begun = {"quality.body.0.0.weight", first}
    assert all(torch.equal(before[name], after[name]) for name in before if name not in begun)
    known = before[first].shape[1]
    assert torch.equal(after[first][:, :known], before[first])
    assert not after[first][:, known:].any()


def test_masks_of_another_kind_are_taken_over_but_for_the_tail(path: Path, tmp_path: Path) -> None:
    train(
        path, tmp_path / "first", tiny("steps=1", "optimiser.ema=none")
    )  # masks of the crop's side
    still = ("steps=1", "optimiser.lr=0", "freeze_norm=true", "optimiser.ema=none")
    first = tmp_path / "first" / "last.safetensors"
    train(path, tmp_path / "second", tiny(*TOLD, *still), init=first)
    before, after = weights(tmp_path / "first"), weights(tmp_path / "second")
    kept = [name for name in before if "head.1." not in name and name in after]
    same_shape = [name for name in kept if before[name].shape == after[name].shape]
    assert len(same_shape) >= len(kept) - 2
    assert all(torch.equal(before[name], after[name]) for name in same_shape)


def test_the_tail_of_window_masks_is_kept_at_another_view_size(path: Path, tmp_path: Path) -> None:
    train(path, tmp_path / "first", tiny(*TOLD, "steps=1", "optimiser.ema=none"))
    still = ("steps=1", "optimiser.lr=0", "freeze_norm=true", "optimiser.ema=none")
    config = tiny(*TOLD, "model.view_size=80", *still)
    train(path, tmp_path / "second", config, init=tmp_path / "first" / "last.safetensors")
    assert same(tmp_path / "first", tmp_path / "second")


@pytest.mark.parametrize("change", ["model.head=hourglass20", "model.feature_channels=24"])
def test_a_network_that_is_told_takes_over_no_other_network(
    path: Path, tmp_path: Path, change: str
) -> None:
    train(path, tmp_path / "first", tiny("steps=1", "model.mask_size=32", change))
    config = tiny("steps=1", *TOLD)
    with pytest.raises(WeightsError, match=r"Choose the model of these weights"):
        train(path, tmp_path / "second", config, init=tmp_path / "first" / "last.safetensors")


def test_the_first_halvings_stay_as_they_were(path: Path, tmp_path: Path) -> None:
    train(path, tmp_path / "first", tiny("steps=1", "optimiser.ema=none"))
    config = tiny("steps=3", "optimiser.freeze_halvings=2", "optimiser.ema=none")
    train(path, tmp_path / "second", config, init=tmp_path / "first" / "last.safetensors")
    before, after = weights(tmp_path / "first"), weights(tmp_path / "second")
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    steps = ("backbone.trunk.steps.0.", "backbone.trunk.steps.1.")
    assert not any(name.startswith(steps) for name in moved)
    assert any(name.startswith("backbone.trunk.steps.2.") for name in moved)
