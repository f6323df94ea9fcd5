"""Paths and sizes of Visual Genome's images.

The path comes from the url, not from the id: the numbers in the two can differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from boxmask.data.ids import positions_of, unique_positions
from boxmask.data.images import Side
from boxmask.data.numbers import as_id, as_side
from boxmask.data.raw.document import Document, open_document
from boxmask.data.raw.members import JoinedRecords
from boxmask.data.raw.records import Records, decode_records, slice_items
from boxmask.dataset import Id, RawRecords
from boxmask.errors import InputError
from boxmask.formats import ReadOptions

PREFIX = "https://cs.stanford.edu/people/rak248/"
IMAGE_DATA_NAME = "image_data.json"
NOT_LISTED = f"images that {IMAGE_DATA_NAME} does not list"
NO_SIZES = f"images without a size, for want of {IMAGE_DATA_NAME}"


class _Image(msgspec.Struct, gc=False):
    image_id: int | str | float | None = None
    id: int | str | float | None = None
    url: str = ""
    width: Side | None = None
    height: Side | None = None


@dataclass(frozen=True, eq=False)
class GenomeImages:
    """Columns of I images, in the order of objects.json."""

    file_names: tuple[str, ...]
    widths: npt.NDArray[np.int32]
    heights: npt.NDArray[np.int32]
    records: RawRecords
    warnings: dict[str, int]


def resolve_images(
    document: Document, ids: Sequence[Id], urls: Sequence[object], options: ReadOptions
) -> GenomeImages:
    """Find the path and the size of each image of objects.json; its own url serves if need be."""
    path = options.images_json or document.path.with_name(IMAGE_DATA_NAME)
    if options.images_json is None and not path.exists():
        names = tuple(file_name(url) for url in urls)
        zeros = np.zeros(len(ids), np.int32)
        return GenomeImages(names, zeros, zeros, slice_items(document), {NO_SIZES: len(ids)})
    records, images = _read(path)
    known = [row.id if row.image_id is None else row.image_id for row in images]
    places = positions_of(unique_positions(known, path, "images"), ids)
    images.append(_Image())  # what index -1, no such image, finds
    rows = [images[place] for place in places]
    return GenomeImages(
        file_names=tuple(file_name(row.url or url) for row, url in zip(rows, urls, strict=True)),
        widths=np.array([row.width or 0 for row in rows], np.int32),
        heights=np.array([row.height or 0 for row in rows], np.int32),
        records=JoinedRecords((records, places), (slice_items(document), range(len(ids)))),
        warnings={NOT_LISTED: int((places < 0).sum())},
    )


def file_name(url: object) -> str:
    """Return the path below the image folder: VG_100K/1.jpg; empty if there is no url."""
    if not isinstance(url, str):
        return ""
    return url.removeprefix(PREFIX) if url.startswith(PREFIX) else "/".join(url.split("/")[-2:])


def _read(path: Path) -> tuple[Records, list[_Image]]:
    document = open_document(path)
    if document.items is None:
        raise InputError(
            f"{path}: the top level is not a list; {IMAGE_DATA_NAME} is a list of images with "
            f'"image_id", "url", "width" and "height". Found: {document.describe_top_level()}.'
        )
    records = slice_items(document)
    chunks = decode_records(document, records, "images", _Image, _lenient)
    return records, [row for _, rows in chunks for row in rows]


def _lenient(values: dict[str, object]) -> _Image:
    url = values.get("url")
    return _Image(
        image_id=as_id(values.get("image_id")),
        id=as_id(values.get("id")),
        url=url if isinstance(url, str) else "",
        width=as_side(values.get("width")),
        height=as_side(values.get("height")),
    )
