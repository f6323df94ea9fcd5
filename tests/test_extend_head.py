"""A head of one's own: a body in a file, one line of the registry, and it trains and annotates."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_networks import SMALL
from torch import nn
from training_files import write_dataset

import boxmask
from boxmask.errors import ConfigError
from boxmask.models import build
from boxmask.models.heads import HEADS, convolutional
from boxmask.models.weights import load_network


# The file models/heads/two_convolutions.py would hold this class ...
class TwoConvolutionsBody(nn.Sequential):
    """Map a crop (N,C,R,R) to features (N,2nc,R,R)."""

    def __init__(self, inputs: int, base: int) -> None:
        self.channels = 2 * base
        super().__init__(
            nn.Conv2d(inputs, base, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(base, self.channels, 3, padding=1),
            nn.ReLU(inplace=True),
        )


@pytest.fixture
def name() -> Iterator[str]:
    """... and the table in models/heads/__init__.py this line."""
    HEADS["two-convolutions"] = convolutional(TwoConvolutionsBody)
    yield "two-convolutions"
    del HEADS["two-convolutions"]


def test_a_new_head_trains_and_annotates_by_its_name(name: str, tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "data")
    images, run, out = path.parent / "images", tmp_path / "run", tmp_path / "masks.json"
    recipe = {"model.head": name, "batch": 4}
    trained = boxmask.train(
        path, images=images, out=run, preset="tiny", steps=2, recipe=recipe, device="cpu"
    )
    assert trained["steps"] == 2
    weights = run / "last.safetensors"
    summary = boxmask.annotate(
        path, images=images, out=out, weights=weights, overwrite=True, device="cpu"
    )
    assert summary.tally.statuses["ok"] == 9
    assert boxmask.check(path, out).holds
    network, _ = load_network(weights)
    assert any(isinstance(module, TwoConvolutionsBody) for module in network.modules())


@pytest.mark.parametrize("changes", [{"mask_size": 64}, {"window_masks": True}])
def test_a_new_head_can_enlarge_masks_and_see_windows(name: str, changes: dict[str, int]) -> None:
    config = replace(SMALL, head=name, **changes)  # type: ignore[arg-type]
    with torch.device("meta"):
        assert build(config).config.mask_size == 2 * config.crop_size


def test_a_head_that_was_taken_away_is_unknown() -> None:
    with pytest.raises(ConfigError, match="no head is called 'two-convolutions'"):
        build(replace(SMALL, head="two-convolutions"))
