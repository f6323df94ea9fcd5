"""The sizes of images that no mask was made for, but whose own masks are in fractions of them."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from boxmask.annotate.workload import Workload
from boxmask.faults import ImageFault
from boxmask.images import image_size
from boxmask.mark import Status


class Measured(NamedTuple):
    """Sizes (width, height) by image, and why other images have none."""

    sizes: dict[int, tuple[int, int]]
    faults: dict[int, ImageFault]


def measure_kept(workload: Workload, known: Mapping[int, tuple[int, int]]) -> Measured:
    """Read from their headers the sizes of images whose masks are kept and need them."""
    dataset, job = workload.dataset, workload.job
    kept = (workload.status == Status.KEPT.code) & dataset.relative
    found = Measured({}, {})
    for image in np.unique(dataset.image_index[kept]).tolist():
        if image < 0 or image in known:
            continue
        try:
            found.sizes[image] = image_size(
                job.images,
                dataset.file_names[image],
                exif=job.exif,
                rotated_if_unsized=dataset.rotated_if_unsized,
                max_pixels=job.max_pixels,
            )
        except ImageFault as fault:
            found.faults[image] = fault
    return found
