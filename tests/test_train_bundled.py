"""The script that trains the bundled model: its runs are recipes that `boxmask train` takes."""

import os
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from boxmask.train.presets import preset
from boxmask.train.recipe_text import override

SCRIPT = Path(__file__).parents[1] / "examples" / "train_bundled.sh"
NOTES = """#!/bin/sh
printf '%s\\n' "$@" '' >> "$NOTES"
"""


@pytest.fixture
def runs(tmp_path: Path) -> list[list[str]]:
    """Start the script with a `torchrun` that only notes down its arguments, of each run a list."""
    torchrun = tmp_path / "torchrun"
    torchrun.write_text(NOTES)
    torchrun.chmod(0o755)
    notes = tmp_path / "notes"
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["bash", str(SCRIPT), "data", "run"],
        env={**os.environ, "PATH": path, "NOTES": str(notes)},
        check=True,
    )
    return [block.split("\n") for block in notes.read_text().strip("\n").split("\n\n")]


def values(run: list[str], option: str) -> list[str]:
    return [after for before, after in pairwise(run) if before == option]


def test_every_run_is_a_recipe_with_a_weight_for_each_set(runs: list[list[str]]) -> None:
    for run in runs:
        recipe = override(preset(*values(run, "--preset")), values(run, "--set"))
        assert len(recipe.source_weights) == len(values(run, "--images")) > 1


def test_every_run_but_the_first_begins_where_one_before_it_ended(runs: list[list[str]]) -> None:
    ended = [f"{out}/last.safetensors" for run in runs for out in values(run, "--out")]
    assert len(set(ended)) == len(runs) > 1
    for place, run in enumerate(runs[1:], start=1):
        (start,) = values(run, "--init")
        assert start in ended[:place]
