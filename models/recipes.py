"""Recipes: how a tensor that a graph is given is made from the tensors of a weights file.

A recipe is the name of a tensor, some numbers, or the name of an operation with the recipes it is
of; `["reshape", recipe, shape]` has a shape in the place of the second. What depends on the weights
alone is so computed once, in NumPy, however many graphs are given it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Recipe = str | list[Any]

RESHAPE, NUMBERS = "reshape", "numbers"
OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "sqrt": np.sqrt,
}


def made(recipe: Recipe, tensor: Callable[[str], Floats]) -> Floats:
    """Make a tensor; `tensor` reads one of the file by its name.

    >>> made(["add", "x", ["numbers", [1.0, 2.0]]], lambda name: np.float32([3, 4]))
    array([4., 6.], dtype=float32)
    """
    if isinstance(recipe, str):
        return tensor(recipe)
    operation, *operands = recipe
    if operation == NUMBERS:
        return np.array(operands[0], np.float32)
    if operation == RESHAPE:
        return made(operands[0], tensor).reshape(operands[1])
    found: Floats = OPERATIONS[operation](*(made(operand, tensor) for operand in operands))
    return found


def is_of_tensors(recipe: Recipe) -> bool:
    """Tell whether a recipe asks for any tensor of the file."""
    if isinstance(recipe, str):
        return True
    operation, *operands = recipe
    if operation == NUMBERS:
        return False
    return any(is_of_tensors(each) for each in operands[: 1 if operation == RESHAPE else None])
