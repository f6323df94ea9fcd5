"""COCO form of MegaDetector results: boxes in pixels, fractions and place in the list kept."""

import msgspec
import numpy as np

from boxmask.data.forms.base import Size
from boxmask.data.forms.columns import ColumnForm
from boxmask.data.raw.document import decode_lenient
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.rle import area, segmentation_runs


class MegaDetectorForm(ColumnForm):
    """Adds `bbox_relative` and `detection`, the box's place in its image's list from 1."""

    def __init__(self, dataset: BoxDataset) -> None:
        super().__init__(dataset)
        self._first = np.searchsorted(dataset.image_index, np.arange(len(dataset.image_ids)))

    def annotation(self, row: int, size: Size | None = None) -> dict[str, object]:
        """Return COCO's keys in pixels, `bbox_relative`, `detection`, then the detection's own."""
        own = self.own_keys(row)
        fields = self.coco_keys(row, size)
        if "bbox" in own:
            fields["bbox_relative"] = own.pop("bbox")
        if self.dataset.has_mask[row]:
            fields |= _mask(own.pop("segmentation"), size)
        fields["detection"] = row - int(self._first[self.dataset.image_index[row]]) + 1
        return self.with_own(fields, own)


def _mask(segmentation: msgspec.Raw, size: Size | None) -> dict[str, object]:
    """Return the mask of a detection, and its area if it is a sound one."""
    if size is None:
        return {"segmentation": segmentation}
    try:
        runs = segmentation_runs(decode_lenient(segmentation), width=size[0], height=size[1])
    except (InputError, ValueError):
        return {"segmentation": segmentation}
    return {"segmentation": segmentation, "area": area(runs)}
