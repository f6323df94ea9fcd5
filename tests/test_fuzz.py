"""Files damaged at random are read or refused with an error of ours: some of `examples/fuzz.py`."""

import random
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "examples"))

from fuzzing.targets import TARGETS

RECORDED = sorted((Path(__file__).parent / "recorded" / "fuzz").glob("*.bin"))
REFUSED = {"archive"}  # no small archive is a published model


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_sound_is_read(name: str, tmp_path: Path) -> None:
    for seed in TARGETS[name].seeds:
        found = TARGETS[name].attempt(seed, tmp_path)
        assert found == ("refused" if name in REFUSED else "read")


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_damaged_is_read_or_refused(name: str, tmp_path: Path) -> None:
    target, chance = TARGETS[name], random.Random(7)
    for _ in range(target.tests):
        data = target.damage(chance.choice(target.seeds), chance)
        assert target.attempt(data, tmp_path) in ("read", "refused")


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_what_once_broke_something_is_read_or_refused(path: Path, tmp_path: Path) -> None:
    name = max((name for name in TARGETS if path.stem.startswith(name)), key=len)
    assert TARGETS[name].attempt(path.read_bytes(), tmp_path) in ("read", "refused")


def test_a_bare_word_in_the_place_of_a_key_is_no_traceback(tmp_path: Path) -> None:
    for name in ("coco", "megadetector", "visual-genome"):
        (seed,) = TARGETS[name].seeds
        for key in (b'"images"', b'"image_id"', b'"bbox"'):
            data = seed.replace(key, b"NaN", 1)
            assert TARGETS[name].attempt(data, tmp_path) in ("read", "refused")
