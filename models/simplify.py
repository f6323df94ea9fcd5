"""Makes a graph short: norms go into the convolutions before them, and what depends on the weights
alone goes out of it, into recipes (recipes.py).

A runtime reads and compiles what is left in two thirds of the time, and sizes of views share their
tensors. What is done here is done with OpenVINO's models, of one fixed shape.
"""

from typing import Any

import numpy as np

from boxmask.models.openvino_library import openvino, passes
from boxmask.models.recipes import NUMBERS, OPERATIONS, RESHAPE, Recipe, is_of_tensors

_CONVOLUTIONS = ("Convolution", "GroupConvolution")
_MOST_NUMBERS = 8  # of a constant that a recipe holds: those of weights hold one


def simplify(model: Any, inputs: tuple[str, ...]) -> dict[str, Recipe]:
    """Shorten a model in place; return how to make what it is now given beside the inputs."""
    _fold_constants(model)
    _merge_norms(model, inputs)
    _merge_shifts(model, inputs)
    return _take_recipes(model, inputs)


def _fold_constants(model: Any) -> None:
    manager = passes().Manager()
    manager.register_pass(passes().ConstantFolding())
    manager.run_passes(model)


def _merge_norms(model: Any, inputs: tuple[str, ...]) -> None:
    """Turn (x * W + a) * s + b into x * (W * s) + (a * s + b) where a norm follows."""
    recipes = _recipes(model, inputs)
    for node in model.get_ordered_ops():
        if node.get_type_name() != "Multiply" or not _is_of_weights(node, 1, recipes):
            continue
        before, scale = _source(node, 0), _source(node, 1)
        shift = None
        if before.get_type_name() == "Add" and _is_of_weights(before, 1, recipes):
            before, shift = _source(before, 0), _source(before, 1)
        follows = _source(node, 0), before
        if before.get_type_name() in _CONVOLUTIONS and all(map(_is_used_once, follows)):
            _merge(node, before, scale, shift)


def _merge(norm: Any, convolution: Any, scale: Any, shift: Any) -> None:
    """Put a scale (1,C,1,1), and a shift before it, into a convolution."""
    ops = openvino().opset13
    weight = _source(convolution, 1)
    sides = list(weight.output(0).get_shape())
    outputs = [sides[0], 1] if convolution.get_type_name() == "Convolution" else sides[:2]
    shape = outputs + [1] * (len(sides) - 2)
    scaled = ops.multiply(weight, ops.reshape(scale, np.array(shape, np.int64), False))
    convolution.input(1).replace_source_output(scaled.output(0))
    users = norm.output(0).get_target_inputs()
    moved = convolution if shift is None else ops.add(convolution, ops.multiply(shift, scale))
    for user in users:
        user.replace_source_output(moved.output(0))


def _merge_shifts(model: Any, inputs: tuple[str, ...]) -> None:
    """Turn (x + a) + b into x + (a + b) where a and b are of weights."""
    recipes = _recipes(model, inputs)
    for node in model.get_ordered_ops():
        if node.get_type_name() != "Add" or not _is_of_weights(node, 1, recipes):
            continue
        before = _source(node, 0)
        if before.get_type_name() != "Add" or not _is_of_weights(before, 1, recipes):
            continue
        if _is_used_once(before):
            shift = openvino().opset13.add(_source(before, 1), _source(node, 1))
            node.input(0).replace_source_output(before.input(0).get_source_output())
            node.input(1).replace_source_output(shift.output(0))


def _take_recipes(model: Any, inputs: tuple[str, ...]) -> dict[str, Recipe]:
    """Give a model what depends on the weights alone, in place of the weights."""
    recipes = _recipes(model, inputs)
    tensors = [one for one in model.get_parameters() if one.get_friendly_name() not in inputs]
    given: dict[str, Any] = {}  # by the text of their recipes
    for node in model.get_ordered_ops():
        if recipes[node.get_name()] is not None:
            continue
        for place, user in enumerate(node.inputs()):
            if _is_of_weights(node, place, recipes):
                output = user.get_source_output()
                text = repr(recipes[output.get_node().get_name()])
                if text not in given:
                    given[text] = _parameter(output)
                user.replace_source_output(given[text].output(0))
    for number, parameter in enumerate(given.values()):
        parameter.set_friendly_name(f"tensor {number}")
    model.add_parameters(list(given.values()))
    for tensor in tensors:
        model.remove_parameter(tensor)
    model.validate_nodes_and_infer_types()
    by_text = {repr(recipe): recipe for recipe in recipes.values() if recipe is not None}
    return {each.get_friendly_name(): by_text[text] for text, each in given.items()}


def _parameter(output: Any) -> Any:
    return openvino().opset13.parameter(output.get_shape(), output.get_element_type())


def _recipes(model: Any, inputs: tuple[str, ...]) -> dict[str, Recipe | None]:
    """Return how each node is made, by its name; None where that takes more than tensors."""
    found: dict[str, Recipe | None] = {}
    for node in model.get_ordered_ops():
        found[node.get_name()] = _recipe(node, inputs, found)
    return found


def _recipe(node: Any, inputs: tuple[str, ...], known: dict[str, Recipe | None]) -> Recipe | None:
    kind, name = node.get_type_name().lower(), str(node.get_friendly_name())
    if kind == "parameter":
        return None if name in inputs else name
    if kind == "constant":
        small = node.get_element_type().is_real() and node.get_data().size <= _MOST_NUMBERS
        return [NUMBERS, node.get_data().tolist()] if small else None
    operands = [known[_source(node, place).get_name()] for place in range(len(node.inputs()))]
    if kind == RESHAPE and operands[0] is not None:
        return [RESHAPE, operands[0], list(node.output(0).get_shape())]
    return [kind, *operands] if kind in OPERATIONS and None not in operands else None


def _is_of_weights(node: Any, place: int, recipes: dict[str, Recipe | None]) -> bool:
    """Tell whether an operand of a node depends on tensors of the file, and on nothing else."""
    recipe = recipes.get(_source(node, place).get_name())  # None of a node that is new
    return recipe is not None and is_of_tensors(recipe)


def _source(node: Any, place: int) -> Any:
    return node.input(place).get_source_output().get_node()


def _is_used_once(node: Any) -> bool:
    return len(node.output(0).get_target_inputs()) == 1
