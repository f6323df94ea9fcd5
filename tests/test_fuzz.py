"""Files damaged at random are read or refused with an error of ours: some of `examples/fuzz.py`."""

import random
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest


def load_script() -> ModuleType:
    """Import the script, which belongs to no package."""
    place = Path(__file__).parents[1] / "examples" / "fuzz.py"
    spec = spec_from_file_location("fuzz", place)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = load_script()
TARGETS, attempt = SCRIPT.TARGETS, SCRIPT.attempt


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_sound_is_read(name: str, tmp_path: Path) -> None:
    for seed in TARGETS[name][2]:
        assert attempt(name, seed, tmp_path) == "read"


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_damaged_is_read_or_refused(name: str, tmp_path: Path) -> None:
    chance = random.Random(7)
    _, harm, seeds = TARGETS[name]
    ends = {attempt(name, harm(chance.choice(seeds), chance), tmp_path) for _ in range(150)}
    assert "refused" in ends


def test_a_bare_word_in_the_place_of_a_key_is_no_traceback(tmp_path: Path) -> None:
    for name in ("coco", "megadetector", "visual-genome"):
        (seed,) = TARGETS[name][2]
        for key in (b'"images"', b'"image_id"', b'"bbox"'):
            assert attempt(name, seed.replace(key, b"NaN", 1), tmp_path) in ("read", "refused")
