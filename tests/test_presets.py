"""Recipes: the published numbers, text forms, and overriding any field by its name."""

import json
from functools import reduce
from operator import attrgetter, getitem
from typing import Any

import pytest

from boxmask.errors import ConfigError
from boxmask.models.config import ModelConfig
from boxmask.train.optimiser import rate
from boxmask.train.presets import PRESETS, preset
from boxmask.train.recipe import TrainConfig
from boxmask.train.recipe_text import from_json, option_names, override, to_json


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_recipe_survives_the_way_to_json_and_back(name: str) -> None:
    assert from_json(to_json(preset(name))) == preset(name)


def test_an_unknown_preset_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"known presets: deepmac-1024, deepmac-512"):
        preset("deepmc")


def test_the_papers_recipe_is_as_published() -> None:
    recipe = preset("deepmac-512")
    assert (recipe.batch, recipe.steps, recipe.model.image_size) == (128, 50_000, 512)
    assert (recipe.model.backbone, recipe.model.head) == ("hourglass104", "hourglass52")
    assert recipe.loss.mask == 5.0
    rates = [recipe.optimiser.lr * rate(recipe.optimiser, s, steps=50_000) for s in (0, 5000)]
    assert rates == pytest.approx([2.5e-4, 1e-3])
    assert rate(recipe.optimiser, 50_000, steps=50_000) == pytest.approx(0)
    assert preset("deepmac-1024").model.head == "hourglass100"


def test_deep_marcs_rate_drops_where_published() -> None:
    optimiser = preset("deepmarc-r50").optimiser
    found = [
        optimiser.lr * rate(optimiser, step, steps=70_000) for step in (0, 500, 50_000, 65_000)
    ]
    assert found == pytest.approx([0.0067, 0.12, 0.012, 0.0012])
    assert preset("deepmarc-r101").model.backbone == "resnet101-fpn"
    optimiser = preset("deepmarc-spinenet143-hg52").optimiser
    found = [
        optimiser.lr * rate(optimiser, step, steps=231_000) for step in (0, 2000, 219_450, 226_380)
    ]
    assert found == pytest.approx([0.0067, 0.32, 0.032, 0.0032])


OTHERS: dict[str, Any] = {
    "model.family": "deepmac",
    "model.crop_size": 32,
    "model.mask_size": 16,
    "model.large_view_size": 200,
    "model.context": 1.5,
    "model.center_square": 3,
    "model.norm_momentum": "paper",
    "model.detector": "centernet",
    "model.classes": ["dog"],
    "model.transfer.source": "cls",
    "model.transfer.layers": 3,
    "model.transfer.activation": "relu",
    "augment.scale_crop": [0.5, 2],
    "augment.box_jitter_mode": "shrink",
    "augment.view_scales": [1.5],
    "loss.normalise": "pixels",
    "optimiser.name": "sgd",
    "optimiser.betas": [0.8, 0.9],
    "optimiser.schedule": "steps",
    "optimiser.clip": 2.5,
    "optimiser.ema": 0.5,
    "boxes": "gt+noisy",
    "precision": "bfloat16",
}


def another(name: str, value: Any) -> Any:
    """Return a value that a field may have besides its own."""
    if name in OTHERS:
        return OTHERS[name]
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return f"other {value}"
    if isinstance(value, tuple):
        return [64]
    return value * 2 or 3 if isinstance(value, int) else value / 2 or 0.25


@pytest.mark.parametrize("name", option_names())
def test_every_option_can_be_set_and_nothing_else_changes(name: str) -> None:
    recipe = TrainConfig(model=ModelConfig(view_size=64, crop_size=16, mask_size=32))
    field = attrgetter(name)
    value = another(name, field(recipe))
    changed = override(recipe, [f"{name}={json.dumps(value)}"])
    expected = tuple(value) if isinstance(value, list) else value
    assert field(changed) == expected != field(recipe)
    before, after = (json.loads(to_json(one)) for one in (recipe, changed))
    *groups, last = name.split(".")
    for one in (before, after):
        del reduce(getitem, groups, one)[last]
    assert before == after


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ("optimiser.lr=3e-4", "optimiser.lr", 3e-4),
        ("optimiser.clip=none", "optimiser.clip", None),
        ("model.detector=None", "model.detector", None),
        ("model.transfer.activation=none", "model.transfer.activation", "none"),
        ("augment.scale_crop=[0.5, 2]", "augment.scale_crop", (0.5, 2.0)),
        ("model.head=fc2", "model.head", "fc2"),
        ("seen=person,dog", "seen", "person,dog"),
        ("channels_last=false", "channels_last", False),
    ],
)
def test_a_field_takes_the_value_given(change: str, field: str, value: object) -> None:
    found: object = override(preset("zoom"), [change])
    for part in field.split("."):
        found = getattr(found, part)
    assert found == value


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("steps", "write KEY=VALUE"),
        ("stepps=3", "no such option. Did you mean steps. Known are .*augment.blur"),
        ("augment=3", "no such option"),
        ("steps=many", "Expected `int`"),
        ("boxes=guesses", "Invalid enum value"),
        ("boxes=proposals", "what the detector faster-rcnn proposes; set model.detector"),
        ("model.family=sam", "known families"),
        ("augment.view_sizes=[144,98]", "view_size is 98; with window_masks give a multiple of 4"),
        ("augment.view_sizes=[4]", "view_sizes has 4; give 32 or more"),
        ("model.view_size=24", "view_scales makes 16; give 32 or more"),
        ("augment.box_jitter=0.1", "with model.window_masks use augment.loose"),
        ("model.context=3", "context is 3.0; with window_masks give 2.0 or less"),
    ],
)
def test_a_bad_change_is_told(change: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        override(preset("zoom"), [change])


@pytest.mark.parametrize("turn", [1, -1])
def test_changes_that_go_together_may_come_in_any_order(turn: int) -> None:
    changes = ["model.head=fcn", "model.mask_size=32"]
    model = override(preset("tiny"), changes[::turn]).model
    assert (model.head, model.mask_size) == ("fcn", 32)
    with pytest.raises(ConfigError, match="mask_size is 16; family zoom with head fcn"):
        override(preset("tiny"), changes[:1])


def test_views_of_several_sizes_follow_that_of_the_model() -> None:
    zoom = preset("zoom")
    assert zoom.view_sizes == (112, 128, 144, 160)
    assert override(zoom, ["model.view_size=96"]).view_sizes == (80, 80, 96, 112)
    in_pixels = ["model.view_size=96", "augment.view_sizes=[64,96]"]
    assert override(zoom, in_pixels).view_sizes == (64, 96)
    assert preset("tiny").view_sizes == ()


@pytest.mark.parametrize("schedule", ["cosine", "steps", "constant"])
def test_the_rate_never_leaves_zero_to_one(schedule: str) -> None:
    recipe = override(preset("zoom"), [f"optimiser.schedule={schedule}"])
    rates = [rate(recipe.optimiser, step, steps=recipe.steps) for step in range(recipe.steps + 1)]
    assert min(rates) >= 0 and max(rates) <= 1
