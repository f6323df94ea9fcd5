"""Where a detection writes: never over anything that it reads, not even with --fresh."""

from dataclasses import replace

from boxmask.annotate.exports import check_exports
from boxmask.annotate.job import resolve_weights
from boxmask.annotate.places import beside, image_files, real, refuse_taken
from boxmask.data import images_alone
from boxmask.detect.job import DetectJob
from boxmask.detect.photos import Photographs
from boxmask.formats import ReadOptions
from boxmask.remote import Folder


def check_places(job: DetectJob, photographs: Photographs) -> None:
    """Raise what would keep something from being written, before hours are spent on finding."""
    read: dict[Folder, str] = dict.fromkeys(
        image_files(job.photos, photographs.names), "this photograph"
    )
    files = (job.complete, job.weights, resolve_weights(job.masks))
    read |= dict.fromkeys(real(path for path in files if path), "this file, which is read")
    written = real((job.out, job.boxes, job.ledger_path))
    refuse_taken(read, {f"--out {job.out}": [*written, *beside(job.masks)]})
    # The file of the boxes may not be there yet, so its form is said.
    masks = replace(job.masks, reading=ReadOptions(format="coco"))
    check_exports(masks, images_alone(job.boxes, photographs.names))
