"""The sizes of images that no mask was made for, but whose own masks are in fractions of them."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from boxmask.annotate.workload import Workload
from boxmask.faults import ImageFault
from boxmask.mark import Status


class Measured(NamedTuple):
    """Sizes (width, height) by image, and why other images have none."""

    sizes: dict[int, tuple[int, int]]
    faults: dict[int, ImageFault]


def measure_kept(workload: Workload, known: Mapping[int, tuple[int, int]]) -> Measured:
    """Read from their headers the sizes of images whose masks are kept and need them."""
    dataset = workload.dataset
    kept = (workload.status == Status.KEPT.code) & dataset.relative
    found = Measured({}, {})
    for image in np.unique(dataset.image_index[kept]).tolist():
        if image < 0 or image in known:
            continue
        try:
            found.sizes[image] = workload.image_size(image)
        except ImageFault as fault:
            found.faults[image] = fault
    return found
