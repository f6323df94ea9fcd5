"""The images of a dataset in columns, as COCO writes them: `id`, `file_name`, `width`, `height`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
import numpy.typing as npt

from boxmask.data.ids import compact, unique_positions
from boxmask.data.numbers import LARGEST_SIDE, as_id, as_side
from boxmask.data.raw.document import Document
from boxmask.data.raw.records import Records, decode_records, slice_list
from boxmask.dataset import Id

Side = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_SIDE)]


@dataclass(frozen=True, eq=False)
class Images:
    """Columns of I images; a size of 0 is unknown."""

    ids: Sequence[Id]
    file_names: Sequence[str]
    widths: npt.NDArray[np.int32]
    heights: npt.NDArray[np.int32]
    positions: dict[Id, int]  # id -> row
    records: Records


class _Image(msgspec.Struct, gc=False):
    id: int | str | float | None = None
    file_name: str | None = None
    width: Side | None = None
    height: Side | None = None


def read_images(document: Document) -> Images:
    """Read the "images" of a COCO file."""
    records = slice_list(document, "images")
    rows = [
        row
        for _, rows in decode_records(document, records, "images", _Image, _lenient)
        for row in rows
    ]
    ids = [row.id for row in rows]
    return Images(
        ids=compact(ids),
        file_names=tuple(row.file_name or "" for row in rows),
        widths=np.array([row.width or 0 for row in rows], np.int32),
        heights=np.array([row.height or 0 for row in rows], np.int32),
        positions=unique_positions(ids, document.path, "images"),
        records=records,
    )


def _lenient(values: dict[str, object]) -> _Image:
    name = values.get("file_name")
    return _Image(
        id=as_id(values.get("id")),
        file_name=name if isinstance(name, str) else None,
        width=as_side(values.get("width")),
        height=as_side(values.get("height")),
    )
