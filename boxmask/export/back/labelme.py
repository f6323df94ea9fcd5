"""LabelMe's files with masks: a copy of each, in which polygons or masks have replaced the boxes.

The polygons of an object in several parts have one `group_id`. `predicted_iou` in a shape is the
IoU to expect of its mask. Where the photo is not in the file, `imagePath` leads to it from where
the copy lies.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import msgspec

from boxmask.data.labelme import photo_of, shapes_of
from boxmask.data.raw.document import Document, is_null, open_document
from boxmask.data.raw.input import Input
from boxmask.data.raw.members import Members, split_members
from boxmask.data.sources.masks import png_of_bits
from boxmask.data.sources.origin import Json, origin_of
from boxmask.errors import InputError
from boxmask.export import Exported, Finished
from boxmask.export.back import Edit, NewMask, NewMasks, spliced
from boxmask.export.files import write_whole
from boxmask.remote import Url

_GROUP = re.compile(rb'"group_id"\s*:\s*(\d{1,18})')


def names(finished: Finished) -> list[str]:
    """Return the names of the files that were read."""
    records = finished.dataset.image_records
    found = (origin_of(records[image]) for image in range(len(records)))
    return [origin.file for origin in found if origin is not None]


def write(finished: Finished, place: Path) -> Exported:
    """Write the copies; a file that cannot be read has none."""
    masks, notes, written = NewMasks(finished, usual="polygons"), Counter[str](), 0
    folder, photos = Input(finished.dataset.path).folder, finished.dataset.file_names
    for image, name in enumerate(names(finished)):
        try:
            document = open_document(folder / name)
            shapes = shapes_of(document)
        except InputError:
            notes["files that cannot be read, left out"] += 1
            continue
        edits = list(_shape_edits(document, shapes, image, masks))
        edits += _photo_edit(document, finished.images / photos[image], (place / name).parent)
        text = b"".join(spliced(document.source.data, sorted(edits)))
        write_whole(finished.ledger, place / name, text)
        written += 1
    return Exported(written, dict(notes) | masks.notes())


def _shape_edits(
    document: Document, shapes: Sequence[msgspec.Raw], image: int, masks: NewMasks
) -> Iterator[Edit]:
    groups = count(1 + max(map(int, _GROUP.findall(document.source.data)), default=0))
    for raw, mask in masks.of_image(image, shapes):
        members = split_members(document.original(raw))
        if masks.as_polygons:
            made = _polygons(members, masks.polygons(mask), groups)
        else:
            made = [_painted(members, mask)]
        text = b", ".join(msgspec.json.encode(one | {"predicted_iou": mask.iou}) for one in made)
        start = document.offset(raw)
        yield Edit(start, start + len(raw), text)


def _polygons(
    members: Members, polygons: Sequence[Sequence[float]], groups: Iterator[int]
) -> list[Json]:
    """Return the shapes of an object: several have its group, or a new one."""
    group: object = members.get("group_id")
    if len(polygons) > 1 and is_null(members.get("group_id")):
        group = next(groups)
    kept = {key: raw for key, raw in members.items() if key != "mask"}
    kind = {"group_id": group, "shape_type": "polygon"}
    rings = [list(zip(ring[0::2], ring[1::2], strict=True)) for ring in polygons]
    return [{**kept, "points": ring, **kind} for ring in rings]


def _painted(members: Members, mask: NewMask) -> Json:
    """Return a shape with a PNG between two corners, the last pixel inside being one."""
    window = mask.window
    width, height = window.bits.shape
    corners = [[window.x, window.y], [window.x + width - 1, window.y + height - 1]]
    png = png_of_bits(window.bits.T)
    return {**members, "points": corners, "shape_type": "mask", "mask": png}


def _photo_edit(document: Document, photo: Path | Url, folder: Path) -> list[Edit]:
    """Have `imagePath` lead to a photo that is not in the file, from the folder of the copy."""
    raw = document.members.get("imagePath")
    inside = not is_null(document.members.get("imageData"))
    if raw is None or inside or isinstance(photo, Url):
        return []
    if not photo.is_file() or (folder / photo_of(document)).is_file():
        return []
    path = os.path.relpath(os.path.realpath(photo), os.path.realpath(folder))
    start = document.offset(raw)
    return [Edit(start, start + len(raw), json.dumps(path.replace(os.sep, "/")).encode())]
