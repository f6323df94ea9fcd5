"""The images and the categories of MegaDetector results, and the metadata that may go with them."""

import re
from pathlib import Path, PurePosixPath

from boxmask.data.images import Images, read_images
from boxmask.data.numbers import as_id, as_side
from boxmask.data.raw.document import Document, is_null, open_document
from boxmask.data.raw.members import JoinedRecords
from boxmask.data.raw.records import as_object
from boxmask.dataset import Category, Id, RawRecords

_DEFAULT_CATEGORIES = {"1": "animal", "2": "person", "3": "vehicle"}
_WHOLE = re.compile("0|[1-9][0-9]{0,17}")


class ImageTable:
    """Columns of the images, from the results first, then completed from the metadata."""

    def __init__(self, records: RawRecords) -> None:
        self.records = records
        self.ids: list[Id] = []
        self.file_names: list[str] = []
        self.widths: list[int] = []
        self.heights: list[int] = []
        self.unlisted = 0  # images that the metadata does not list
        self.failed = 0  # images with a "failure" in place of detections

    def add(self, fields: dict[str, object]) -> None:
        """Take an image from the results: its "file", or else its "id", is what it goes by."""
        file, id = fields.get("file"), as_id(fields.get("id"))
        name = file if isinstance(file, str) else None
        self.ids.append(id if name is None else name)
        self.file_names.append(f"{id}.jpg" if name is None else name)
        self.failed += bool(fields.get("failure"))
        self.widths.append(as_side(fields.get("width")))
        self.heights.append(as_side(fields.get("height")))

    def add_metadata(self, path: Path) -> None:
        """Complete the images from a metadata file: ids, sizes, names where there was only an id.

        The results may name a file from further up: train/a/1.jpg is a/1.jpg of the metadata.
        """
        metadata = _read_metadata(path)
        by_name = {name: place for place, name in enumerate(metadata.file_names) if name}
        places = [_find(id, metadata, by_name) for id in self.ids]
        for image, place in enumerate(places):
            if place >= 0:
                self._complete(image, metadata, place)
        self.unlisted = places.count(-1)
        self.records = JoinedRecords((metadata.records, places), (self.records, range(len(places))))

    def _complete(self, image: int, metadata: Images, place: int) -> None:
        if self.ids[image] == metadata.ids[place]:
            self.file_names[image] = metadata.file_names[place] or self.file_names[image]
        self.ids[image] = metadata.ids[place]
        self.widths[image] = int(metadata.widths[place])
        self.heights[image] = int(metadata.heights[place])


def _read_metadata(path: Path) -> Images:
    document = open_document(path)
    has = 'COCO-Camera-Traps metadata has "images" with "id", "file_name", "width" and "height"'
    document.require("images", has=has)
    return read_images(document)


def _find(key: Id, metadata: Images, by_name: dict[str, int]) -> int:
    place = metadata.positions.get(key, -1)
    parts = PurePosixPath(key).parts if isinstance(key, str) and place < 0 else ()
    for start in range(len(parts)):
        if place < 0:
            place = by_name.get("/".join(parts[start:]), -1)
    return place


def detection_categories(document: Document) -> tuple[list[Category], dict[Id, int]]:
    """Return the categories, and the place of each by the key that detections use."""
    raw = document.members.get("detection_categories")
    named: dict[str, object] = dict(_DEFAULT_CATEGORIES)
    if raw is not None and not is_null(raw):
        named = as_object(document.original(raw), f"{document.path}: detection_categories")
    whole = all(map(_WHOLE.fullmatch, named))
    categories = [Category(int(key) if whole else key, str(name)) for key, name in named.items()]
    return categories, {key: place for place, key in enumerate(named)}
