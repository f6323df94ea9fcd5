"""Label Studio's JSON: tasks with annotations and predictions; sides are percent of the image.

Polygons and brushes are masks that exist. Predictions count where a task has no annotation that was
finished; those of boxmask always do.
"""

import json
from collections.abc import Iterator

import msgspec

from boxmask.data.numbers import as_number, as_side
from boxmask.data.raw.document import Document
from boxmask.data.raw.input import Input
from boxmask.data.raw.records import as_object
from boxmask.data.sources.brush import bits_of_brush
from boxmask.data.sources.masks import Size, tight_mask
from boxmask.data.sources.origin import Json, Origin
from boxmask.data.sources.photos import names_of_address
from boxmask.data.sources.shapes import OTHER, Shape, box, degrees_of, outline, painted, turned_box
from boxmask.data.sources.table import SourceTable
from boxmask.data.sources.units import flat_points, from_size, numbers, turned_about_corner
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.formats import ReadOptions

_SIDES = ("x", "y", "width", "height")
_LISTS = ("annotations", "completions", "predictions")
OURS = "boxmask"  # how the model version of a prediction of boxmask begins


def recognises(source: Input) -> bool:
    """Tell whether the file is a list of tasks, or one task."""
    keys = source.document.item_keys() | set(source.document.members) if source.is_json else set()
    return "data" in keys and bool(keys & set(_LISTS))


def read(source: Input, options: ReadOptions) -> BoxDataset:
    """Read the file; every result of every task is a row, also those that are no boxes."""
    document = source.document
    table = SourceTable(source, "label-studio", options, whole=100)
    for number, task in enumerate(tasks_of(document), 1):
        where = f"{source.path}: task {number}"
        fields = as_object(document.original(task), where)
        results = list(results_of(fields, where, number))
        size = next((size for *_, result, _ in results if all(size := _size(result))), (0, 0))
        others = {key: value for key, value in fields.items() if key not in _LISTS}
        image = table.add_image(
            *_photos(fields.get("data")),
            size=size,
            origin=Origin(source.path.name, element=f"task[{number}]", record=_raw(others)),
        )
        for element, fault, result, score in results:
            origin = Origin(source.path.name, element=element, record=_raw(result))
            _add(table, image, result, origin, fault, score)
    return table.build()


def tasks_of(document: Document) -> list[msgspec.Raw]:
    """Return the tasks, one for each image that is read from them."""
    return [msgspec.Raw(document.text)] if document.items is None else document.items


def results_of(
    task: Json, where: str, number: int
) -> Iterator[tuple[str, str, Json, float | None]]:
    """Yield each result of a task: where it is, why it does not count, itself, and its score."""
    finished = False
    for kind in _LISTS:
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


def _add(
    table: SourceTable, image: int, result: Json, origin: Origin, fault: str, score: float | None
) -> None:
    value, labels = result.get("value"), labels_of(result)
    kind = str(result.get("type")).removesuffix("labels")
    shape = _shape(kind, value if isinstance(value, dict) else {}, table.sizes[image])
    table.add_shape(
        image, str(labels[0]) if labels else None, shape, origin, fault=fault, score=score
    )


def labels_of(result: Json) -> list[object]:
    """Return the labels of a result."""
    value = result.get("value")
    value = value if isinstance(value, dict) else {}
    labels = value.get(str(result.get("type")), value.get("labels"))
    return labels if isinstance(labels, list) else []


def _shape(kind: str, value: Json, size: Size) -> Shape:
    match kind:
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


def _size(result: Json) -> tuple[int, int]:
    return as_side(result.get("original_width")), as_side(result.get("original_height"))


def _list(value: object, where: str) -> list[Json]:
    """Return a list of objects; InputError if it is none."""
    items = [] if value is None else value
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise InputError(f"{where} is not a list of objects; export from Label Studio as JSON.")
    return items


def _photos(data: object) -> list[str]:
    """Return where the photo of a task may be: its address, also without what was put before."""
    texts = list(data.values()) if isinstance(data, dict) else [data]
    if isinstance(data, dict) and "image" in data:
        texts.insert(0, data["image"])
    address = next((text for text in texts if isinstance(text, str)), "")
    return names_of_address(address)


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())
