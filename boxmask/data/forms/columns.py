"""COCO form of a dataset that is not COCO: made from the columns, the records' own keys kept."""

import json
from collections.abc import Iterator, Mapping

import msgspec

from boxmask.data.boxes import DECIMALS
from boxmask.data.forms.base import NO_SIZES, CocoForm, Size
from boxmask.data.raw.document import decode_lenient
from boxmask.data.raw.members import Members, repeats_a_key, split_members
from boxmask.data.segmentation import in_pixels
from boxmask.data.sources.units import polygon_area
from boxmask.dataset import BoxDataset
from boxmask.formats import FORMATS

OWN = "own"  # where the values of a record's keys are that are also COCO's
_ADDED = ("segmentation", "area", "boxmask", "bbox_relative")  # by a run, or by a form


class ColumnForm(CocoForm):
    """The COCO form of any format that has no form of its own."""

    def __init__(self, dataset: BoxDataset) -> None:
        super().__init__(dataset)
        # The list of boxes inside an image's record is left out: they become annotations.
        self._boxes_key = FORMATS[dataset.format].boxes_key

    def top_level(self, sizes: Mapping[int, Size] = NO_SIZES) -> Iterator[tuple[str, bytes]]:
        """Yield the file's own members, such as "info", then "images" and "categories"."""
        members = self.dataset.members
        made = ("images", "categories", "annotations")
        yield from ((key, members[key]) for key in members if key not in made)
        images = range(len(self.dataset.image_ids))
        yield "images", b"[%b]" % b", ".join(self._image(image, sizes) for image in images)
        categories = [{"id": c.id, "name": c.name} for c in self.dataset.categories]
        yield "categories", json.dumps(categories).encode()

    def annotation(self, row: int, size: Size | None = None) -> dict[str, object]:
        """Return COCO's keys, then the record's own ones."""
        fields = self.coco_keys(row, size)
        if len(self.dataset.records):
            fields = self.with_own(fields, self.own_keys(row))
        if fields.pop("segmentation_relative", None) and size:
            fields |= self._outlined(row, size)
        return fields

    def own_keys(self, row: int) -> Members:
        """Split the record of a row into its keys, and count it if one is there twice."""
        record = self.dataset.records[row]
        own = split_members(record)
        self.repeated += repeats_a_key(record, own)
        return own

    def with_own(self, fields: Mapping[str, object], own: Members) -> dict[str, object]:
        """Add a record's own keys to those of COCO.

        A foreign record may have keys with the names of COCO's, or of what a run adds, and other
        values: COCO's stay, so that a box keeps its id, its image and its class, and the record's
        are kept together under "own".
        """
        if not self._boxes_key:
            return {**fields, **own}  # records of ours, made by a reader
        names = {*fields, *_ADDED}
        displaced = {k: v for k, v in own.items() if k in names and not _same(fields.get(k), v)}
        if displaced and OWN in own:
            displaced[OWN] = own[OWN]
        kept = {k: v for k, v in own.items() if k not in displaced}
        return {**fields, **kept, **({OWN: displaced} if displaced else {})}

    def _outlined(self, row: int, size: Size) -> dict[str, object]:
        """Return in pixels the mask of a row that has it in fractions."""
        polygons = in_pixels(self.dataset.records[row], size) or []
        area = round(sum(map(polygon_area, polygons)), DECIMALS)
        return {"segmentation": polygons, "area": area}

    def coco_keys(self, row: int, size: Size | None) -> dict[str, object]:
        """Return what COCO asks of an annotation; null for an unknown image, category or box."""
        dataset = self.dataset
        image, category = int(dataset.image_index[row]), int(dataset.category_index[row])
        bbox = self.bbox(row, size)
        return {
            "id": _text(dataset.annotation_ids[row]),
            "image_id": _text(dataset.image_ids[image]) if image >= 0 else None,
            "category_id": _text(dataset.categories[category].id) if category >= 0 else None,
            "bbox": bbox,
            "area": round(bbox[2] * bbox[3], DECIMALS) if bbox else None,
            "iscrowd": int(dataset.is_crowd[row]),
        }

    def _image(self, image: int, sizes: Mapping[int, Size]) -> bytes:
        dataset = self.dataset
        fields: dict[str, object] = {
            "id": _text(dataset.image_ids[image]),
            "file_name": _text(dataset.file_names[image]),
        }
        if size := self.size(image, sizes):
            fields |= {"width": size[0], "height": size[1]}
        if len(dataset.image_records):
            own = split_members(dataset.image_records[image])
            fields |= {k: raw for k, raw in own.items() if k not in fields and k != self._boxes_key}
        return msgspec.json.encode(fields)


def _same(ours: object, own: msgspec.Raw) -> bool:
    """Tell whether a record's own value says what ours does, however it is written."""
    try:
        return ours is not None and decode_lenient(msgspec.json.encode(ours)) == decode_lenient(own)
    except ValueError:
        return False


def _text(value: object) -> object:
    # Python's json escapes the half pairs that a file name may hold; msgspec refuses them.
    return msgspec.Raw(json.dumps(value).encode()) if isinstance(value, str) else value
