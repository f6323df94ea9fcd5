"""The box file of a detection: COCO with a score on each box, which annotate reads as any other."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from boxmask.annotate.plan import Setting
from boxmask.data.ids import free_ids
from boxmask.detect.found import Box, Found
from boxmask.detect.known import Known
from boxmask.detect.parts import Parts
from boxmask.detect.photos import Photographs
from boxmask.errors import RunError
from boxmask.export.files import replace_text
from boxmask.models.header import read_header
from boxmask.proposed import KEY as PROPOSED
from boxmask.unreadable import UNREADABLE

KEY = "boxmask_detect"  # in "info"


class About(msgspec.Struct):
    """What a box file says of the detection that it is from."""

    settings: dict[str, Setting]
    images: int
    boxes: int = 0
    known: int = 0  # boxes that were found and are in the file that is completed
    unusable: dict[str, list[str]] = {}  # photographs, by reason

    def count(self, name: str, found: Found, *, new: int) -> None:
        """Count what was found in a photograph, of which so many boxes are new."""
        self.boxes += new
        self.known += len(found.boxes) - new
        if found.fault:
            # Half a surrogate pair, which a name out of JSON may hold, is no UTF-8.
            plain = name.encode(errors="backslashreplace").decode()
            self.unusable.setdefault(found.fault, []).append(plain)

    @property
    def unusable_count(self) -> int:
        """How many photographs could not be used."""
        return sum(map(len, self.unusable.values()))

    @property
    def shortage(self) -> str:
        """Why so many photographs could not be used that this is no success, "" if it is one."""
        if not self.unusable or 2 * self.unusable_count < self.images:
            return ""
        reason, names = max(self.unusable.items(), key=lambda item: len(item[1]))
        return (
            f"{self.unusable_count:,} of {self.images:,} photographs cannot be used: {reason}, "
            f"as {names[0]}."
        )


def write_boxes(photographs: Photographs, parts: Parts) -> About:
    """Write the boxes of all parts to the box file of the job."""
    job, known = photographs.job, photographs.known
    about = About(parts.settings, len(photographs.names))
    images, records = [], []
    for place, found, boxes in _each(photographs, parts):
        about.count(photographs.names[place], found, new=len(boxes))
        images.append(_image(photographs, place, found))
        records += [_record(photographs, place, box) for box in boxes]
    ids = free_ids([] if known is None else known.annotation_ids)
    numbered = (b'{"id": ' + msgspec.json.encode(next(ids)) + b", " + one for one in records)
    info = {"description": "boxes found by boxmask detect", KEY: about}
    with replace_text(job.ledger, job.boxes) as text:
        text.write(b'{"info": ' + msgspec.json.encode(info))
        text.write(b',\n"categories": ' + _categories(photographs) + b',\n"images": [\n')
        text.write(b",\n".join(images) + b'\n],\n"annotations": [\n')
        text.write(b",\n".join(numbered) + b"\n]}\n")
    return about


def read_about(path: Path) -> About:
    """Read what a box file says of itself."""
    try:
        top = msgspec.json.decode(path.read_bytes(), type=dict[str, msgspec.Raw])
        info = msgspec.json.decode(top["info"], type=dict[str, msgspec.Raw])
        return msgspec.json.decode(info[KEY], type=About)
    except (KeyError, *UNREADABLE) as error:
        raise RunError(f"{path}: not as detect wrote it ({error}); give --fresh.") from error


def _each(photographs: Photographs, parts: Parts) -> Iterator[tuple[int, Found, list[Box]]]:
    """Yield what was found in each photograph, and which of it is new."""
    known = None if photographs.known is None else Known(photographs, photographs.known)
    for place, found in enumerate(parts.all()):
        yield place, found, found.boxes if known is None else known.unknown(place, found)


def _image(photographs: Photographs, place: int, found: Found) -> bytes:
    known = photographs.known
    if known is not None:
        return bytes(known.image_records[place])
    width, height = found.size
    name = photographs.names[place]
    size = {"width": width, "height": height} if width else {}
    return msgspec.json.encode({"id": photographs.ids[place], "file_name": name} | size)


def _categories(photographs: Photographs) -> bytes:
    if photographs.known is not None:
        return bytes(photographs.known.members["categories"])
    config = read_header(photographs.job.weights).config
    named = zip(config.class_ids, config.classes, strict=True)
    return msgspec.json.encode([{"id": id, "name": name} for id, name in named])


def _record(photographs: Photographs, place: int, box: Box) -> bytes:
    """Write an annotation, but for its id and the brace before it."""
    record: dict[str, object] = {
        "image_id": photographs.ids[place],
        "category_id": photographs.categories[box.label],
        "bbox": box.bbox,
        "area": round(box.bbox[2] * box.bbox[3], 2),
        "iscrowd": 0,
        "score": box.score,
    }
    if photographs.known is not None:
        record[PROPOSED] = True
    return msgspec.json.encode(record)[1:]
