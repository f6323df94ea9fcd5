"""The scripts that train the bundled model and its twins: recipes that `boxmask train` takes."""

import os
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from boxmask.train.presets import preset
from boxmask.train.recipe_text import override

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTES = """#!/bin/sh
printf '%s\\n' "$@" '' >> "$NOTES"
"""
# The scripts of examples/ that are run between write the file that they are given last.
WRITES = """#!/bin/sh
for file; do :; done
echo "$file" >> "$NOTES.written"
"""


@pytest.fixture(params=[{}, {"NODE": "node", "SAM": "sam"}], ids=["as they are", "taught"])
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> list[list[str]]:
    return runs_of("train_bundled.sh", tmp_path, **request.param)


def runs_of(script: str, tmp_path: Path, **teachers: str) -> list[list[str]]:
    """Start a script with commands that do nothing, and return the arguments of each `torchrun`."""
    for name, text in {"torchrun": NOTES, "python": WRITES, "boxmask": "#!/bin/sh\n"}.items():
        command = tmp_path / name
        command.write_text(text)
        command.chmod(0o755)
    notes = tmp_path / "notes"
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["bash", str(EXAMPLES / script), "data", "run"],
        env={**os.environ, **teachers, "PATH": path, "NOTES": str(notes)},
        check=True,
    )
    return [block.split("\n") for block in notes.read_text().strip("\n").split("\n\n")]


def values(run: list[str], option: str) -> list[str]:
    return [after for before, after in pairwise(run) if before == option]


def test_every_run_is_a_recipe_with_a_weight_for_each_set(runs: list[list[str]]) -> None:
    for run in runs:
        recipe = override(preset(values(run, "--preset")[-1]), values(run, "--set"))
        assert len(recipe.source_weights) == len(values(run, "--images")) > 1


def test_from_the_tenth_run_on_they_see_what_nobody_outlined(tmp_path: Path) -> None:
    every = runs_of("train_bundled.sh", tmp_path, NODE="node", SAM="sam")
    before, (tenth, *later), last = every[:9], every[9:13], every[13:]
    folders = values(tenth, "--images")
    assert {"run/taught/person_both/images", "run/taught/person2_both/images"} < set(folders)
    assert folders[-2:] == ["run/taught/person_things/images", "run/taught/person2_things/images"]
    assert len(folders) == len(set(folders)) == len(values(before[-1], "--images")) + 2
    assert len(later) == 3 and all(values(run, "--images") == folders for run in later)
    assert len(last) == 2 and all(
        values(run, "--images") == values(every[2], "--images") for run in last
    )


def test_without_mobilesam_no_run_has_its_encoder(tmp_path: Path) -> None:
    runs = runs_of("train_bundled.sh", tmp_path)
    assert len(runs) == 10
    assert all("zoom-tinyvit" not in values(run, "--preset") for run in runs)


def test_every_run_but_the_first_begins_with_weights_from_before(
    runs: list[list[str]], tmp_path: Path
) -> None:
    written = (tmp_path / "notes.written").read_text().split()
    ended = [f"{out}/last.safetensors" for run in runs for out in values(run, "--out")]
    assert len(set(ended)) == len(runs) > 1
    for place, run in enumerate(runs[1:], start=1):
        (start,) = values(run, "--init")
        assert start in ended[:place] or start in written


@pytest.mark.parametrize("init", [{}, {"INIT": "bundled"}], ids=["from ImageNet", "bundled"])
def test_each_twin_differs_from_the_first_in_one_thing_alone(
    init: dict[str, str], tmp_path: Path
) -> None:
    told, exact, *others = runs_of("twins.sh", tmp_path, **init)
    recipes = [
        override(preset(*values(run, "--preset")), values(run, "--set"))
        for run in (told, exact, *others)
    ]
    assert recipes[0].augment.loose == 0.5
    assert recipes[1] == replace(recipes[0], augment=replace(recipes[0].augment, loose=0.0))
    assert values(told, "--init") == values(exact, "--init") == list(init.values())
    assert not values(told, "--seen") and not values(exact, "--seen")
    assert [values(run, "--seen") for run in others] == ([] if init else [["voc"]])
    assert recipes[2:] == recipes[:1] * len(others)
