"""What a graph is given: made from the weights once, by recipes, for all sizes of views."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from boxmask.bundled import BUNDLED
from boxmask.models.compiled import CompiledNetwork
from boxmask.models.graph import Graph, find_graph, forms
from boxmask.models.header import read_header
from boxmask.models.openvino_library import openvino
from boxmask.models.recipes import Floats, Recipe, is_of_tensors, made
from boxmask.models.simplify import simplify

TENSORS: dict[str, Floats] = {
    "weight": np.random.default_rng(0).normal(size=(4, 3, 1, 1)).astype(np.float32),
    "grouped": np.random.default_rng(1).normal(size=(4, 1, 1, 1, 1)).astype(np.float32),
    "mean": np.array([1, -2, 3, 0.5], np.float32),
    "scale": np.array([2, 0.5, -1, 3], np.float32),
    "shift": np.array([0.25, 5, -5, 1], np.float32),
}


def graphs() -> list[Graph]:
    """Read the graphs of the bundled network."""
    config = read_header(BUNDLED).config
    found = [find_graph(config, form) for form in forms(config)]
    return [graph for graph in found if graph is not None]


def names(recipe: Recipe) -> Iterator[str]:
    """Yield the tensors that a recipe asks for."""
    if isinstance(recipe, str):
        yield recipe
    elif recipe[0] != "numbers":
        for operand in recipe[1 : 2 if recipe[0] == "reshape" else None]:
            yield from names(operand)


@pytest.mark.parametrize(
    ("recipe", "wanted"),
    [
        ("mean", [1, -2, 3, 0.5]),
        (["multiply", "mean", ["numbers", [-1.0]]], [-1, 2, -3, -0.5]),
        (["divide", ["subtract", "shift", "mean"], ["sqrt", ["numbers", [4.0]]]], [-3 / 8, 3.5]),
        (["reshape", ["add", "mean", "shift"], [2, 2]], [[1.25, 3], [-2, 1.5]]),
    ],
)
def test_a_recipe_is_followed(recipe: Recipe, wanted: list[float]) -> None:
    found = made(recipe, TENSORS.__getitem__)
    assert found.dtype == np.float32 and is_of_tensors(recipe)
    assert np.allclose(found[: len(wanted)], wanted)


@pytest.mark.parametrize("weight", ["weight", "grouped"])
def test_a_norm_goes_into_the_convolution_before_it(weight: str) -> None:
    ops = openvino().opset13
    grouped = weight == "grouped"
    pixels = ops.parameter([1, 4 if grouped else 3, 5, 5], np.float32, "pixels")
    used = (weight, "mean", "scale", "shift")
    given = {name: ops.parameter(TENSORS[name].shape, np.float32, name) for name in used}
    for name, parameter in ("pixels", pixels), *given.items():
        parameter.set_friendly_name(name)
    sides = {"strides": [1, 1], "pads_begin": [0, 0], "pads_end": [0, 0], "dilations": [1, 1]}
    kind = ops.group_convolution if grouped else ops.convolution
    mean, scale, shift = (
        ops.reshape(given[name], np.array([1, 4, 1, 1]), False)
        for name in ("mean", "scale", "shift")
    )
    normed = ops.multiply(ops.add(kind(pixels, given[weight], **sides), mean), scale)
    model = openvino().Model([ops.add(normed, shift)], [pixels, *given.values()], "normed")
    asked = np.random.default_rng(2).normal(size=(1, 4 if grouped else 3, 5, 5)).astype(np.float32)
    before = answer(model, {"pixels": asked} | TENSORS)
    recipes = simplify(model, ("pixels",))
    kinds = [node.get_type_name() for node in model.get_ordered_ops()]
    assert kinds.count("Add") == 1 and "Multiply" not in kinds and len(recipes) == 2
    tensors = {name: made(recipe, TENSORS.__getitem__) for name, recipe in recipes.items()}
    assert np.allclose(answer(model, {"pixels": asked} | tensors), before, atol=1e-5)


def answer(model: Any, given: dict[str, Floats]) -> Floats:
    """Compute a model of one output."""
    compiled = openvino().Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    asked = [given[one.get_friendly_name()] for one in model.get_parameters()]
    found: Floats = compiled(asked)[0]
    return found


def test_every_tensor_of_the_bundled_network_is_in_a_recipe_and_no_norm_is_left() -> None:
    found = graphs()
    assert len(found) == 2
    for graph in found:
        recipes = graph.tensors.recipes.values()
        assert {name for one in recipes for name in names(one)} == set(graph.tensors.floating)
        assert b'type="Sqrt"' not in graph.xml and b'type="Convolution"' in graph.xml


def test_all_forms_of_views_share_their_tensors() -> None:
    network = CompiledNetwork.load(BUNDLED, threads=1)  # nothing is compiled before it is asked
    asked = [{repr(recipe) for recipe in one.tensors.recipes.values()} for one in graphs()]
    assert asked == [set(network._tensors)] * 2 and len(network._tensors) > 100
