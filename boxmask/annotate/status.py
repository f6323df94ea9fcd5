"""What is to become of each box, as far as the dataset alone tells. Letters: N boxes."""

import numpy as np
import numpy.typing as npt

from boxmask.dataset import BoxDataset
from boxmask.mark import Status


def statuses(dataset: BoxDataset, *, overwrite: bool) -> npt.NDArray[np.uint8]:
    """Return the code of the status of each row (N,); OK means that a mask is wanted.

    Crowds and masks that are there already are left alone, whatever else is wrong with them.
    """
    status = np.where(dataset.faults != 0, Status.SKIPPED.code, Status.OK.code).astype(np.uint8)
    if not overwrite:
        status[dataset.has_mask] = Status.KEPT.code
    status[dataset.is_crowd] = Status.CROWD.code
    return status
