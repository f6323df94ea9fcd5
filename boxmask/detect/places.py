"""Where a detection writes: never over anything that it reads, not even with --fresh."""

from dataclasses import replace

from boxmask.annotate.exports import check_exports
from boxmask.annotate.job import resolve_weights
from boxmask.annotate.places import beside, image_files, real
from boxmask.data import images_alone
from boxmask.detect.job import DetectJob
from boxmask.detect.photos import Photographs
from boxmask.errors import ConfigError
from boxmask.formats import ReadOptions


def check_places(job: DetectJob, photographs: Photographs) -> None:
    """Raise what would keep something from being written, before hours are spent on finding."""
    read = dict.fromkeys(image_files(job.photos, photographs.names), "this photograph")
    files = (job.complete, job.weights, resolve_weights(job.masks))
    read |= dict.fromkeys(real(path for path in files if path), "this file, which is read")
    written = real((job.out, job.boxes, job.ledger_path))
    for path in (*written, *beside(job.masks)):
        if path in read:
            raise ConfigError(
                f"{path}: --out {job.out} would write over {read[path]}; give another name."
            )
    # The file of the boxes may not be there yet, so its form is said.
    masks = replace(job.masks, reading=ReadOptions(format="coco"))
    check_exports(masks, images_alone(job.boxes, photographs.names))
