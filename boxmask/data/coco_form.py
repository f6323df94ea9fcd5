"""The writing side: any dataset that was read, piece by piece in COCO form.

    with open_form(dataset) as form:
        for key, raw in form.head(sizes): ...      # every top-level member but "annotations"
        form.annotation(row, size)                 # one annotation, its own values verbatim

"annotations" is to be written last, wherever the input had it.
"""

from boxmask.data.column_form import ColumnForm
from boxmask.data.form import CocoForm
from boxmask.data.megadetector_form import MegaDetectorForm
from boxmask.data.verbatim_form import VerbatimForm
from boxmask.dataset import BoxDataset

# A format that is not listed is written from its columns and its records' own keys.
FORMS: dict[str, type[CocoForm]] = {"coco": VerbatimForm, "megadetector": MegaDetectorForm}


def open_form(dataset: BoxDataset) -> CocoForm:
    """Return the COCO form of a dataset, a context manager."""
    return FORMS.get(dataset.format, ColumnForm)(dataset)
