"""Label Studio's JSON: tasks with annotations and predictions; sides are percent of the image.

Polygons and brushes are masks that exist. Predictions count where a task has no annotation that was
finished; those of boxmask always do.
"""

import json

import msgspec

from boxmask.data.raw.document import Document
from boxmask.data.raw.input import Input
from boxmask.data.raw.records import as_object
from boxmask.data.sources.origin import Origin
from boxmask.data.sources.photos import names_of_address
from boxmask.data.sources.results import LISTS, labels_of, results_of, shape_of, size_of
from boxmask.data.sources.table import SourceTable
from boxmask.dataset import BoxDataset
from boxmask.formats import ReadOptions


def recognises(source: Input) -> bool:
    """Tell whether the file is a list of tasks, or one task."""
    keys = source.document.item_keys() | set(source.document.members) if source.is_json else set()
    return "data" in keys and bool(keys & set(LISTS))


def read(source: Input, options: ReadOptions) -> BoxDataset:
    """Read the file; every result of every task is a row, also those that are no boxes."""
    document = source.document
    table = SourceTable(source, "label-studio", options, whole=100)
    for number, task in enumerate(tasks_of(document), 1):
        where = f"{source.path}: task {number}"
        fields = as_object(document.original(task), where)
        results = list(results_of(fields, where, number))
        size = next((size for *_, result, _ in results if all(size := size_of(result))), (0, 0))
        others = {key: value for key, value in fields.items() if key not in LISTS}
        image = table.add_image(
            *_photos(fields.get("data")),
            size=size,
            origin=Origin(source.path.name, element=f"task[{number}]", record=_raw(others)),
        )
        for element, fault, result, score in results:
            origin = Origin(source.path.name, element=element, record=_raw(result))
            labels, shape = labels_of(result), shape_of(result, size)
            label = str(labels[0]) if labels else None
            table.add_shape(image, label, shape, origin, fault=fault, score=score)
    return table.build()


def tasks_of(document: Document) -> list[msgspec.Raw]:
    """Return the tasks, one for each image that is read from them."""
    return [msgspec.Raw(document.text)] if document.items is None else document.items


def _photos(data: object) -> list[str]:
    """Return where the photo of a task may be: its address, also without what was put before."""
    texts = list(data.values()) if isinstance(data, dict) else [data]
    if isinstance(data, dict) and "image" in data:
        texts.insert(0, data["image"])
    address = next((text for text in texts if isinstance(text, str)), "")
    return names_of_address(address)


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())
