"""What is to become of each box, as far as the dataset alone tells. Letters: N boxes."""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from boxmask.dataset import BoxDataset


class Status(IntEnum):
    """An annotation after a run; OK before the run means that a mask is wanted."""

    OK = 0
    KEPT = 1
    CROWD = 2
    SKIPPED = 3


def statuses(dataset: BoxDataset, *, overwrite: bool) -> npt.NDArray[np.uint8]:
    """Return the status of each row (N,).

    Crowds and masks that are there already are left alone, whatever else is wrong with them.
    """
    status = np.where(dataset.faults != 0, Status.SKIPPED, Status.OK).astype(np.uint8)
    if not overwrite:
        status[dataset.has_mask] = Status.KEPT
    status[dataset.is_crowd] = Status.CROWD
    return status
