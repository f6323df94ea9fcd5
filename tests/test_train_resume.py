"""A run goes on bit for bit, or says why it cannot; processes add up to one."""

import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from training_files import (
    VARIED,
    WHOLE,
    edit_annotations,
    read_log,
    run_training,
    same_weights,
    saved_weights,
    tiny,
    write_dataset,
)

from boxmask.errors import ConfigError, RunError
from boxmask.models.weights import load_network
from boxmask.train.recipe import TrainConfig
from boxmask.train.recipe_text import to_json

AGAIN = """
import os, sys, torch
from pathlib import Path
from boxmask.train.data import sources
from boxmask.train.run import TrainJob, train
from boxmask.train.recipe_text import from_json
if __name__ == "__main__":
    torch.set_num_threads(1)
    data, out, recipe = (Path(text) for text in sys.argv[1:4])
    read = sources.read
    def noted(*given):
        with out.with_suffix(".read").open("a") as stream:
            print(os.getpid(), file=stream)
        return read(*given)
    sources.read = noted
    job = TrainJob(annotations=(data,), images=(data.parent / "images",), out=out, device="cpu",
              resume="--resume" in sys.argv)
    train(job, from_json(recipe.read_bytes()), report=lambda entry: print(entry, flush=True))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "data")


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


@pytest.mark.parametrize("family", [(), WHOLE], ids=["zoom", "whole"])
def test_a_resumed_run_ends_with_the_same_weights(
    path: Path, tmp_path: Path, family: tuple[str, ...]
) -> None:
    config = tiny(*VARIED, *family)
    run_training(path, tmp_path / "whole", config)

    def stop(entry: dict[str, Any]) -> None:
        if entry["step"] == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_training(path, tmp_path / "cut", config, report=stop)
    assert torch.load(tmp_path / "cut" / "state.pt", weights_only=True)["step"] == 4
    run_training(path, tmp_path / "cut", config, resume=True)
    assert same_weights(tmp_path / "whole", tmp_path / "cut")
    average = [load_network(tmp_path / name / "last.safetensors")[0] for name in ("whole", "cut")]
    pairs = zip(*(one.state_dict().values() for one in average), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_a_resumed_run_remembers_what_was_measured(path: Path, tmp_path: Path) -> None:
    val: dict[str, Any] = {"val": (path,), "val_images": (path.parent / "images",)}
    config = tiny("steps=4", "validate_every=4")
    summary = run_training(path, tmp_path / "run", config, **val)
    again = run_training(path, tmp_path / "run", config, resume=True, **val)
    assert again["scores"] == summary["scores"] != {}


def test_a_killed_run_goes_on_to_the_same_weights(path: Path, tmp_path: Path) -> None:
    config = tiny("steps=12", "save_every=1")
    run_training(path, tmp_path / "whole", config)
    victim = start(path, tmp_path / "cut", replace(config, workers=1))
    while not (tmp_path / "cut" / "state.pt").exists():
        assert victim.poll() is None, victim.communicate()
        time.sleep(0.01)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    run_training(path, tmp_path / "cut", config, resume=True)
    assert same_weights(tmp_path / "whole", tmp_path / "cut")
    assert [entry["step"] for entry in read_log(tmp_path / "cut")] == list(range(1, 13))


def test_two_processes_match_one(path: Path, tmp_path: Path) -> None:
    # Each part of a batch has batch statistics of its own, in one process as in two.
    run_training(path, tmp_path / "one", tiny("accumulate=2", "optimiser.name=sgd", "steps=3"))
    config = tiny("optimiser.name=sgd", "steps=3")
    several = start(path, tmp_path / "two", config, processes=2)
    said, errors = several.communicate()
    assert several.returncode == 0, errors
    learnt = [
        name
        for name, _ in load_network(tmp_path / "one" / "last.safetensors")[0].named_parameters()
    ]
    one, two = saved_weights(tmp_path / "one"), saved_weights(tmp_path / "two")
    for name in learnt:
        torch.testing.assert_close(one[name], two[name], rtol=1e-4, atol=1e-5)
    losses = [[entry["loss"] for entry in read_log(tmp_path / name)] for name in ("one", "two")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert said.count("'step': 3") == 1
    assert len((tmp_path / "two.read").read_text().splitlines()) == 1  # by one process for both


def test_resuming_where_there_is_no_run_is_told(path: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"run: there is no run to go on with\. Leave --resume out"):
        run_training(path, tmp_path / "run", tiny("steps=1"), resume=True)
    assert not (tmp_path / "run").exists()


def test_another_recipe_does_not_resume(path: Path, tmp_path: Path) -> None:
    run_training(path, tmp_path / "run", tiny("steps=2"))
    with pytest.raises(RunError, match=r"--resume goes on with it"):
        run_training(path, tmp_path / "run", tiny("steps=2"))
    other = tiny("steps=2", "optimiser.lr=0.001", "model.head=mlp", "optimiser.drops=[1]")
    with pytest.raises(RunError) as error:
        run_training(path, tmp_path / "run", other, resume=True)
    said = "model.head was hourglass10, is now mlp; optimiser.lr was 0.006, is now 0.001"
    assert f"resumed: {said}; optimiser.drops was [], is now [1]. Give the" in str(error.value)


def test_more_steps_of_a_falling_rate_are_another_recipe(path: Path, tmp_path: Path) -> None:
    run_training(path, tmp_path / "run", tiny("steps=2"))
    with pytest.raises(RunError) as error:
        run_training(path, tmp_path / "run", tiny("steps=3"), resume=True)
    assert ": steps was 2, is now 3. Its learning rate falls over all" in str(error.value)
    last = tmp_path / "run" / "last.safetensors"
    assert f"another --out, where --init {last} begins" in str(error.value) and last.exists()


@pytest.mark.parametrize("schedule", ["constant", "steps"])
def test_more_steps_of_another_rate_are_the_same_run(
    path: Path, tmp_path: Path, schedule: str
) -> None:
    config = tiny(f"optimiser.schedule={schedule}", "optimiser.drops=[3]")
    run_training(path, tmp_path / "whole", config)
    run_training(path, tmp_path / "longer", replace(config, steps=4))
    summary = run_training(path, tmp_path / "longer", config, resume=True)
    assert summary["steps"] == 6 and same_weights(tmp_path / "whole", tmp_path / "longer")
    recipes = [(tmp_path / name / "config.json").read_bytes() for name in ("whole", "longer")]
    assert recipes[0] == recipes[1]
    with pytest.raises(RunError, match=r"steps was 6, is now 4\. Give the options"):
        run_training(path, tmp_path / "longer", replace(config, steps=4), resume=True)


def forget(recipe: Path, *names: str) -> None:
    """Take fields out of a recipe, as a boxmask had written it that did not have them."""
    fields = msgspec.json.decode(recipe.read_bytes())
    for name in names:
        group, _, field = name.rpartition(".")
        del (fields[group] if group else fields)[field]
    recipe.write_bytes(msgspec.json.format(msgspec.json.encode(fields), indent=2) + b"\n")


def test_a_run_of_an_earlier_boxmask_goes_on(path: Path, tmp_path: Path) -> None:
    run_training(path, tmp_path / "run", tiny("steps=2"))
    forget(tmp_path / "run" / "config.json", "model.anchor_cells", "augment.strands", "noisy_iou")
    assert run_training(path, tmp_path / "run", tiny("steps=2"), resume=True)["steps"] == 2
    with pytest.raises(RunError, match=r"resumed: augment\.strands was 0\.0, is now 0\.1\. Give"):
        run_training(path, tmp_path / "run", tiny("steps=2", "augment.strands=0.1"), resume=True)


def test_what_an_earlier_boxmask_did_not_begin_is_in_nobodys_way(
    path: Path, tmp_path: Path
) -> None:
    config = tmp_path / "run" / "config.json"
    with pytest.raises(ConfigError, match="no head is called"):
        run_training(path, config.parent, tiny("model.head=nonsense"))
    forget(config, "model.anchor_cells", "noisy_iou")
    run_training(path, config.parent, tiny("steps=1"))
    assert "anchor_cells" in config.read_text()


@pytest.mark.parametrize(
    "text", ["{}\n", '{\n  "steps": 5\n}\n', "[]\n", '{"model":{}}\n', "extra", "spelled"]
)
def test_a_config_of_somebody_else_is_kept(path: Path, tmp_path: Path, text: str) -> None:
    config = tmp_path / "run" / "config.json"
    config.parent.mkdir()
    known = to_json(tiny("steps=1"))
    text = {
        "extra": known.replace('"steps"', '"theirs": 1,\n  "steps"'),
        "spelled": known.replace('"flip": 0.5', '"flip": 0.50'),
    }.get(text, text)
    config.write_text(text)
    with pytest.raises(RunError, match=r"config\.json is there already"):
        run_training(path, config.parent, tiny("steps=1"))
    assert config.read_text() == text


def test_changed_annotations_do_not_resume(path: Path, tmp_path: Path) -> None:
    run_training(path, tmp_path / "run", tiny("steps=2"))
    moved = write_dataset(tmp_path / "moved")
    assert run_training(moved, tmp_path / "run", tiny("steps=2"), resume=True)["steps"] == 2
    edit_annotations(path, of=1, segmentation=[[0, 0, 5, 0, 5, 5]])
    with pytest.raises(RunError, match=r"annotations\.json holds other bytes than before"):
        run_training(path, tmp_path / "run", tiny("steps=2"), resume=True)


def test_other_seen_classes_in_a_file_of_names_do_not_resume(path: Path, tmp_path: Path) -> None:
    names = tmp_path / "seen.txt"
    names.write_text("dog\n")
    run_training(path, tmp_path / "run", tiny("steps=1", f"seen={names}"))
    names.write_text("kite\n")
    with pytest.raises(RunError, match=r"other classes of annotations\.json are seen"):
        run_training(path, tmp_path / "run", tiny("steps=1", f"seen={names}"), resume=True)


def test_a_run_that_failed_at_once_is_in_nobodys_way(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no head is called"):
        run_training(path, tmp_path / "run", tiny("model.head=nonsense"))
    assert run_training(path, tmp_path / "run", tiny("steps=1"))["steps"] == 1


@pytest.mark.parametrize("damage", [b"", b"garbage", b"\x80\x02N.", b"half"])
def test_a_damaged_state_says_what_to_do_next(path: Path, tmp_path: Path, damage: bytes) -> None:
    run_training(path, tmp_path / "run", tiny("steps=2", "workers=0"))
    state = tmp_path / "run" / "state.pt"
    whole = state.read_bytes()
    state.write_bytes(whole[: len(whole) // 2] if damage == b"half" else damage)
    with pytest.raises(RunError, match=r"state\.pt: cannot be resumed from.*--init .*last"):
        run_training(path, tmp_path / "run", tiny("steps=2", "workers=0"), resume=True)


def test_a_full_disk_says_how_to_go_on(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match="No space left on device: make room and give --resume"):
            run_training(path, tmp_path / "run", tiny("steps=2", "workers=0"))
