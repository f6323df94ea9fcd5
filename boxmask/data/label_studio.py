"""Label Studio's JSON: tasks with annotations and predictions; sides are percent of the image.

Polygons are masks that exist. Predictions count where a task has no annotation that was finished.
"""

import json
from collections.abc import Iterator

import msgspec

from boxmask.data.numbers import as_side
from boxmask.data.raw.input import Input
from boxmask.data.raw.records import as_object
from boxmask.data.sources.origin import Json, Origin
from boxmask.data.sources.photos import names_of_address
from boxmask.data.sources.table import SourceTable
from boxmask.data.sources.units import Corners, flat_points, from_size, numbers
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.formats import ReadOptions

_SIDES = ("x", "y", "width", "height")
_LISTS = ("annotations", "completions", "predictions")


def recognises(source: Input) -> bool:
    """Tell whether the file is a list of tasks, or one task."""
    keys = source.document.item_keys() | set(source.document.members) if source.is_json else set()
    return "data" in keys and bool(keys & set(_LISTS))


def read(source: Input, options: ReadOptions) -> BoxDataset:
    """Read the file; every result of every task is a row, also those that are no boxes."""
    document = source.document
    tasks = (
        [document.source.data] if document.items is None else map(document.original, document.items)
    )
    table = SourceTable(source, "label-studio", options, whole=100)
    for number, task in enumerate(tasks, 1):
        where = f"{source.path}: task {number}"
        fields = as_object(bytes(task), where)
        results = list(_results(fields, where, number))
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


def _results(task: Json, where: str, number: int) -> Iterator[tuple[str, str, Json, float | None]]:
    """Yield each result of a task: where it is, why it does not count, itself, and its score."""
    finished = False
    for kind in _LISTS:
        for place, one in enumerate(_list(task.get(kind), f"{where}, {kind}"), 1):
            fault, score = "", None
            if kind == "predictions":
                fault = "prediction beside an annotation" if finished else ""
                score = (numbers([one["score"]]) or (None,))[0] if "score" in one else None
            elif one.get("was_cancelled"):
                fault = "annotation was cancelled"
            else:
                finished = True
            items = _list(one.get("result"), f"{where}, {kind}[{place}], result")
            for item, result in enumerate(items, 1):
                yield f"task[{number}].{kind}[{place}].result[{item}]", fault, result, score


def _add(
    table: SourceTable, image: int, result: Json, origin: Origin, fault: str, score: float | None
) -> None:
    type, value = str(result.get("type")), result.get("value")
    value = value if isinstance(value, dict) else {}
    labels = value.get(type, value.get("labels"))
    label = str(labels[0]) if isinstance(labels, list) and labels else None
    corners: Corners | None = None
    polygon: list[float] | None = None
    if type in ("rectanglelabels", "rectangle"):
        sides = numbers(value.get(side) for side in _SIDES)
        corners = None if sides is None else from_size(*sides)
        angle = (numbers([value.get("rotation") or 0]) or (0.0,))[0]
        fault = fault or ("box is turned" if angle % 360 else "")
    elif type in ("polygonlabels", "polygon"):
        flat = numbers(flat_points(value.get("points")))
        polygon = list(flat) if flat else None
    else:
        fault = fault or "shape is not a box"
    if not fault and corners is None and polygon is None:
        fault = "box does not have four numbers"
    table.add(image, label, corners, origin, fault=fault, score=score, polygon=polygon)


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
