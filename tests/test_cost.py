"""Costs are counted, and `boxmask models` shows them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_networks import SMALL
from typer.testing import CliRunner

from boxmask.cli import app
from boxmask.errors import ConfigError
from boxmask.models import ModelConfig, build
from boxmask.models.backbones import BACKBONES
from boxmask.models.cost import backbone_cost, count_parameters, head_cost, network_cost
from boxmask.models.heads import HEADS
from boxmask.models.presets import PRESETS, preset
from boxmask.models.weights import save_network
from boxmask.train.presets import PRESETS as RECIPES

# In parameters; a new count here is another network for `boxmask train --preset`.
PARAMETERS = {
    "deepmac-512": 213_539_937,
    "deepmac-1024": 237_306_465,
    "deepmarc-r50": 27_445_056 + 23_606_145,
    "deepmarc-r101": 46_437_184 + 23_606_145,
    "deepmarc-spinenet143-hg52": 60_247_616 + 23_606_145,
    "lite": 4_846_707,
    "tiny": 197_395,
    "tiny-centernet": 3_665_528,
    "tiny-faster-rcnn": 4_308_220,
    "zoom": 7_426_379,
    "zoom-exact": 4_615_923,
    "zoom-tinyvit": 8_151_495,
}


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


@pytest.mark.parametrize(("name", "count"), PARAMETERS.items())
def test_a_model_that_is_listed_is_the_one_that_its_preset_trains(name: str, count: int) -> None:
    with torch.device("meta"):
        assert count_parameters(build(RECIPES[name].model)) == count
    assert network_cost(preset(name)).parameters == count


def test_models_and_recipes_have_the_same_names_and_networks() -> None:
    assert list(PARAMETERS) == list(PRESETS)
    assert {name: recipe.model for name, recipe in RECIPES.items()} == PRESETS


def test_the_default_model_costs_per_box_alone() -> None:
    cost = network_cost(preset("zoom"))
    assert (cost.per_image, cost.per_box) == (0, 892_088_257)


def test_unknown_preset_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="known models: deepmac-1024, deepmac-512"):
        preset("sam")


def test_models_lists_everything_for_programs(tmp_path: Path) -> None:
    save_network(tmp_path / "mine.safetensors", build(SMALL), {"name": "mine"})
    (tmp_path / "broken.safetensors").write_bytes(b"nonsense")
    listed = json.loads(run(str(tmp_path), "--json"))
    assert [row["name"] for row in listed["heads"]] == list(HEADS)
    assert [row["name"] for row in listed["backbones"]] == list(BACKBONES)
    assert [row["name"] for row in listed["models"]] == list(PRESETS)
    bundled, broken, mine = listed["weights"]
    assert bundled["name"] == "zoom-tinyvit.safetensors"
    assert "truncated" in broken["error"]
    assert mine["card"] == {"name": "mine"}
    assert mine["parameters"] == network_cost(SMALL).parameters


def test_models_shows_tables_to_people(tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"nonsense")
    shown = run(str(tmp_path))
    assert "hourglass20-no-lrs" in shown
    assert "efficientnet-lite2" in shown
    assert "zoom-tinyvit.safetensors" in shown
    assert "not usable: " in shown
