"""Files that group boxes by image: one record per image, the boxes in a list inside it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic

import msgspec
import numpy as np
import numpy.typing as npt

from boxmask.data.raw.document import Document, decode_lenient, is_null
from boxmask.data.raw.records import Lenient, Records, Row, as_object, item_offsets
from boxmask.errors import InputError
from boxmask.unreadable import UNREADABLE

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_EMPTY = msgspec.Raw(b"[]")
_PREVIEW_LENGTH = 60


@dataclass
class NestedReader(Generic[Row]):
    """Reads image records one by one and remembers where each of their boxes lies."""

    document: Document
    list_name: str  # name of the list of images, for errors
    key: str  # name of the list of boxes
    row_type: type[Row]
    lenient: Lenient[Row]
    counts: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def read(self, images: Iterable[msgspec.Raw]) -> Iterator[tuple[dict[str, object], list[Row]]]:
        """Yield each image's other members, decoded, and its boxes."""
        decoder = msgspec.json.Decoder(list[self.row_type])  # type: ignore[name-defined]
        for place, image in enumerate(images):
            fields = self._fields(image, place)
            boxes = fields.pop(self.key, _EMPTY)
            raws = self._items(boxes, place)
            starts, lengths = item_offsets(self.document.text, self.document.offset(boxes), raws)
            self.starts += starts
            self.lengths += lengths
            self.counts.append(len(raws))
            try:
                rows = decoder.decode(boxes) if raws else []
            except UNREADABLE:
                rows = [self._decode_one(raw, place, i) for i, raw in enumerate(raws)]
            yield {key: self._value(raw) for key, raw in fields.items()}, rows

    def records(self) -> Records:
        """Return the boxes' records, once all images have been read."""
        return Records(
            self.document.source,
            np.array(self.starts, np.int64),
            np.array(self.lengths, np.int64),
        )

    def image_index(self) -> npt.NDArray[np.int32]:
        """Return the image of each box, once all images have been read."""
        return np.repeat(np.arange(len(self.counts), dtype=np.int32), self.counts)

    def _fields(self, image: msgspec.Raw, place: int) -> dict[str, msgspec.Raw]:
        try:
            return _MEMBERS.decode(image)
        except UNREADABLE as error:
            shown = bytes(memoryview(image)[:_PREVIEW_LENGTH]).decode("utf-8", "replace")
            raise InputError(
                f"{self.document.path}: {self.list_name}[{place}] is not an object: {shown!r}."
            ) from error

    def _items(self, boxes: msgspec.Raw, place: int) -> list[msgspec.Raw]:
        if is_null(boxes):
            return []
        try:
            return _RAWS.decode(boxes)
        except UNREADABLE as error:
            raise InputError(
                f'{self.document.path}: "{self.key}" of {self.list_name}[{place}] is not a list.'
            ) from error

    def _decode_one(self, raw: msgspec.Raw, place: int, item: int) -> Row:
        where = f"{self.document.path}: {self.list_name}[{place}], {self.key}[{item}]"
        return self.lenient(as_object(self.document.original(raw), where))

    def _value(self, raw: msgspec.Raw) -> object:
        try:
            return msgspec.json.decode(raw)
        except UNREADABLE:
            return decode_lenient(self.document.original(raw))
