"""`--init bundled`: training goes on from the model that comes with boxmask."""

from pathlib import Path

import pytest
import torch
from training_files import write_dataset

import boxmask
from boxmask.bundled import BUNDLED
from boxmask.errors import WeightsError
from boxmask.models.header import read_header
from boxmask.models.presets import PRESETS
from boxmask.models.weights import load_network
from boxmask.train.loop import _build_network
from boxmask.train.presets import preset

(NAME,) = (name for name, model in PRESETS.items() if model == read_header(BUNDLED).config)


def test_the_bundled_model_has_a_preset_and_is_what_that_begins_with() -> None:
    begun = _build_network(preset(NAME), BUNDLED, blank=False)
    bundled, _ = load_network(BUNDLED)
    pairs = zip(begun.state_dict().values(), bundled.state_dict().values(), strict=True)
    assert all(torch.equal(mine, theirs) for mine, theirs in pairs)


def test_another_preset_is_told_which_one_fits(tmp_path: Path) -> None:
    masks = write_dataset(tmp_path / "data", images=2)
    images, out = tmp_path / "data" / "images", tmp_path / "run"
    with pytest.raises(WeightsError, match=f"of these weights by --preset {NAME}, or begin"):
        boxmask.train(masks, images=images, out=out, preset="tiny", steps=1, init="bundled")
