"""Costs are counted, and `boxmask models` shows them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from boxmask.cli import app
from boxmask.errors import ConfigError
from boxmask.models import ModelConfig, build
from boxmask.models.backbones import BACKBONES
from boxmask.models.cost import backbone_cost, head_cost, network_cost
from boxmask.models.heads import HEADS
from boxmask.models.presets import PRESETS, preset
from boxmask.models.weights import save

SMALL = ModelConfig(
    backbone="tiny", view_size=64, feature_channels=16, embedding_channels=16, head_channels=4
)


def run(*arguments: str) -> str:
    """What the command prints."""
    result = CliRunner().invoke(app, ["models", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_a_dense_head_costs_its_weights() -> None:
    cost = head_cost(ModelConfig(family="deepmac", head="fc2"))
    assert cost.per_box == 32 * 32 * 50 * 64 + 65536 * 1024 + 1024 * 1024
    assert cost.per_image == 0


def test_the_resnet4_head_costs_its_kernels_at_every_cell() -> None:
    kernels = 50 * 64 + 64 * 128 + 9 * (64 * 128 + 3 * 128 * 128) + 128
    assert head_cost(ModelConfig(family="deepmac", head="resnet4")).per_box == 32 * 32 * kernels


def test_zoom_pays_per_box_and_whole_images_pay_per_image() -> None:
    zoom = network_cost(SMALL)
    whole = network_cost(replace(SMALL, family="deepmac", image_size=64))
    assert zoom.per_image == 0
    assert zoom.per_box == whole.per_image + whole.per_box
    assert zoom.parameters == whole.parameters == sum(p.numel() for p in build(SMALL).parameters())


def test_a_backbone_costs_four_times_as_much_at_twice_the_side() -> None:
    config = ModelConfig(family="deepmac", backbone="tiny", image_size=128)
    small, large = (backbone_cost(replace(config, image_size=side)) for side in (128, 256))
    assert large.per_image == 4 * small.per_image


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_counted(name: str) -> None:
    cost = network_cost(preset(name))
    assert cost.parameters > 0
    assert cost.per_box > 0


def test_unknown_preset_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="known models: deepmac-1024, deepmac-512"):
        preset("sam")


def test_models_lists_everything_for_programs(tmp_path: Path) -> None:
    save(tmp_path / "mine.safetensors", build(SMALL), {"name": "mine"})
    (tmp_path / "broken.safetensors").write_bytes(b"nonsense")
    listed = json.loads(run(str(tmp_path), "--json"))
    assert [row["name"] for row in listed["heads"]] == list(HEADS)
    assert [row["name"] for row in listed["backbones"]] == list(BACKBONES)
    assert [row["name"] for row in listed["models"]] == list(PRESETS)
    bundled, broken, mine = listed["weights"]
    assert bundled["name"] == "zoom-lite0.safetensors"
    assert "truncated" in broken["error"]
    assert mine["card"] == {"name": "mine"}
    assert mine["parameters"] == network_cost(SMALL).parameters


def test_models_shows_tables_to_people(tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"nonsense")
    shown = run(str(tmp_path))
    assert "hourglass20-no-lrs" in shown
    assert "efficientnet-lite0" in shown
    assert "zoom-lite0.safetensors" in shown
    assert "not usable: " in shown
