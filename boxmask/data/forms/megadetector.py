"""COCO form of MegaDetector results: boxes in pixels, fractions and place in the list kept."""

from collections.abc import Iterator, Mapping

import numpy as np

from boxmask.data.forms.base import NO_SIZES, Size
from boxmask.data.forms.columns import ColumnForm
from boxmask.data.raw.members import split_members
from boxmask.dataset import BoxDataset


class MegaDetectorForm(ColumnForm):
    """Adds `bbox_relative` and `detection`, the box's place in its image's list from 1."""

    def __init__(self, dataset: BoxDataset) -> None:
        super().__init__(dataset)
        self._first = np.searchsorted(dataset.image_index, np.arange(len(dataset.image_ids)))

    def top_level(self, sizes: Mapping[int, Size] = NO_SIZES) -> Iterator[tuple[str, bytes]]:
        """Yield the file's own members, such as "info", then "images" and "categories"."""
        members = self.dataset.members
        made = ("images", "categories", "annotations")
        yield from ((key, members[key]) for key in members if key not in made)
        yield from super().top_level(sizes)

    def annotation(self, row: int, size: Size | None = None) -> dict[str, object]:
        """Return COCO's keys in pixels, `bbox_relative`, `detection`, then the detection's own."""
        own = split_members(self.dataset.records[row])
        fields = self.coco_keys(row, size)
        if "bbox" in own:
            fields["bbox_relative"] = own.pop("bbox")
        fields["detection"] = row - int(self._first[self.dataset.image_index[row]]) + 1
        return fields | own
