"""The writing side: any dataset that was read, piece by piece in COCO form.

    form = coco_form(dataset)
    for key, raw in form.top_level(sizes): ...  # every top-level member but "annotations"
    form.annotation(row, size)                  # one annotation, its own values verbatim

"annotations" is to be written last, wherever the input had it.
"""

from boxmask.data.forms.base import CocoForm
from boxmask.data.forms.columns import ColumnForm
from boxmask.data.forms.megadetector import MegaDetectorForm
from boxmask.data.forms.verbatim import VerbatimForm
from boxmask.dataset import BoxDataset

# A format that is not listed is written from its columns and its records' own keys.
FORMS: dict[str, type[CocoForm]] = {"coco": VerbatimForm, "megadetector": MegaDetectorForm}


def coco_form(dataset: BoxDataset) -> CocoForm:
    """Return the COCO form of a dataset."""
    return FORMS.get(dataset.format, ColumnForm)(dataset)
