"""COCO in, COCO out: every byte of every value that we did not have to touch."""

from collections.abc import Iterator, Mapping

import msgspec

from boxmask.data.forms.base import NO_SIZES, CocoForm, Size
from boxmask.data.raw.members import repeats_a_key, split_members
from boxmask.errors import InputError


class VerbatimForm(CocoForm):
    """The COCO form of a COCO file."""

    def top_level(self, sizes: Mapping[int, Size] = NO_SIZES) -> Iterator[tuple[str, bytes]]:
        """Yield every other member of the file; an image's size is added where it lacked one."""
        members = self.dataset.members
        for key in members:
            if key == "images" and sizes:
                yield key, self._sized_images(sizes)
            elif key != "annotations":
                yield key, members[key]

    def annotation(self, row: int, size: Size | None = None) -> dict[str, object]:
        """Return the record as it is, and a bbox in pixels if it has one in fractions only."""
        try:
            record = self.dataset.records[row]
            own = split_members(record)
        except InputError as error:
            raise InputError(f"{self.dataset.path}: annotations[{row}]: {error}") from error
        self.repeated += repeats_a_key(record, own)
        fields: dict[str, object] = dict(own)
        if "bbox" not in fields and (bbox := self.bbox(row, size)):
            fields["bbox"] = bbox
        return fields

    def _sized_images(self, sizes: Mapping[int, Size]) -> bytes:
        records = self.dataset.image_records
        return b"[%b]" % b", ".join(
            self._sized(image, sizes) or records[image] for image in range(len(records))
        )

    def _sized(self, image: int, sizes: Mapping[int, Size]) -> bytes | None:
        known = bool(self.dataset.widths[image] and self.dataset.heights[image])
        if known or image not in sizes:
            return None
        width, height = sizes[image]
        record: dict[str, object] = dict(split_members(self.dataset.image_records[image]))
        return msgspec.json.encode(record | {"width": width, "height": height})
