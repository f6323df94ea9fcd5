"""COCO form of MegaDetector results: boxes in pixels, fractions and place in the list kept."""

from collections.abc import Iterator, Mapping

import numpy as np

from boxmask.data.column_form import ColumnForm
from boxmask.data.document import open_document
from boxmask.data.form import NO_SIZES, Size
from boxmask.data.members import members
from boxmask.dataset import BoxDataset


class MegaDetectorForm(ColumnForm):
    """Adds `bbox_relative` and `detection`, the box's place in its image's list from 1."""

    def __init__(self, dataset: BoxDataset) -> None:
        super().__init__(dataset)
        self._first = np.searchsorted(dataset.image_index, np.arange(len(dataset.image_ids)))

    def head(self, sizes: Mapping[int, Size] = NO_SIZES) -> Iterator[tuple[str, bytes]]:
        """Yield the file's own members, such as "info", then "images" and "categories"."""
        document = open_document(self.dataset.path)
        made = ("images", "categories", "annotations")
        for key, raw in document.members.items():
            if key not in made:
                yield key, document.original(raw)
        yield from super().head(sizes)

    def annotation(self, row: int, size: Size | None = None) -> dict[str, object]:
        """Return COCO's keys in pixels, `bbox_relative`, `detection`, then the detection's own."""
        own = members(self.dataset.records[row])
        fields = self.coco_keys(row, size)
        if "bbox" in own:
            fields["bbox_relative"] = own.pop("bbox")
        fields["detection"] = row - int(self._first[self.dataset.image_index[row]]) + 1
        return fields | own
