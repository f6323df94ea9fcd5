"""The results of Label Studio's tasks: where each is, whether it counts, and what it draws.

Sides are percent of the image.
"""

from collections.abc import Iterator

from boxmask.data.numbers import as_number, as_side
from boxmask.data.sources.brush import bits_of_brush
from boxmask.data.sources.masks import Size, tight_mask
from boxmask.data.sources.origin import Json
from boxmask.data.sources.shapes import OTHER, Shape, box, degrees_of, outline, painted, turned_box
from boxmask.data.sources.units import flat_points, from_size, numbers, turned_about_corner
from boxmask.errors import InputError

LISTS = ("annotations", "completions", "predictions")  # of a task
OURS = "boxmask"  # how the model version of a prediction of boxmask begins
_SIDES = ("x", "y", "width", "height")


def results_of(
    task: Json, where: str, number: int
) -> Iterator[tuple[str, str, Json, float | None]]:
    """Yield each result of a task: where it is, why it does not count, itself, and its score."""
    finished = False
    for kind in LISTS:
        for place, one in enumerate(_list(task.get(kind), f"{where}, {kind}"), 1):
            fault, score = "", None
            if kind == "predictions":
                beside = finished and not str(one.get("model_version")).startswith(OURS)
                fault = "prediction beside an annotation" if beside else ""
                score = as_number(one.get("score"))
            elif one.get("was_cancelled"):
                fault = "annotation was cancelled"
            else:
                finished = True
            items = _list(one.get("result"), f"{where}, {kind}[{place}], result")
            for item, result in enumerate(items, 1):
                own = as_number(result.get("score")) if kind == "predictions" else None
                said = score if own is None else own
                yield f"task[{number}].{kind}[{place}].result[{item}]", fault, result, said


def labels_of(result: Json) -> list[object]:
    """Return the labels of a result."""
    value = result.get("value")
    value = value if isinstance(value, dict) else {}
    labels = value.get(str(result.get("type")), value.get("labels"))
    return labels if isinstance(labels, list) else []


def shape_of(result: Json, size: Size) -> Shape:
    """Return the shape of a result, in percent of an image of this size."""
    found = result.get("value")
    value: Json = found if isinstance(found, dict) else {}
    match str(result.get("type")).removesuffix("labels"):
        case "rectangle":
            return _rectangle(value, size)
        case "polygon":
            return outline(numbers(flat_points(value.get("points"))))
        case "brush":
            bits = bits_of_brush(value.get("rle"), size)
            return painted(None if bits is None else tight_mask(bits, size))
    return OTHER


def _rectangle(value: Json, size: Size) -> Shape:
    """Return a rectangle, which is turned about its upper left corner.

    A percent is not as many pixels across as down, so it is turned in pixels.
    """
    sides, degrees = numbers(map(value.get, _SIDES)), degrees_of(value.get("rotation"))
    if sides is None or not degrees:
        return box(None if sides is None else from_size(*sides))
    if not all(size):
        return Shape(from_size(*sides), fault="turned box in an image of unknown size")
    across, down = (side / 100 for side in size)
    x, y, w, h = sides
    pixels = from_size(x * across, y * down, w * across, h * down)
    points = turned_about_corner(pixels, degrees)
    return turned_box([side / (down if k % 2 else across) for k, side in enumerate(points)])


def size_of(result: Json) -> Size:
    """Return the width and the height that a result says of its image, 0 for what it does not."""
    return as_side(result.get("original_width")), as_side(result.get("original_height"))


def _list(value: object, where: str) -> list[Json]:
    """Return a list of objects; InputError if it is none."""
    items = [] if value is None else value
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise InputError(f"{where} is not a list of objects; export from Label Studio as JSON.")
    return items
