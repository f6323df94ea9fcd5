"""A whole detection: boxes, part by part; their masks, by annotate; what is completed, last."""

from dataclasses import dataclass

from boxmask.annotate.events import Event, OnEvent, Stage, Summary
from boxmask.annotate.plan import DIGEST_PREFIX, load_plan
from boxmask.annotate.run import annotate
from boxmask.annotate.work_folder import WorkFolder, hold_lock, refuse_foreign_output
from boxmask.cores import network_threads
from boxmask.data.raw.document import open_document
from boxmask.data.raw.edits import appended, edited
from boxmask.data.raw.records import slice_list
from boxmask.detect.box_file import About, read_about, write_boxes
from boxmask.detect.job import DetectJob, check_paths
from boxmask.detect.parts import Parts, Settings
from boxmask.detect.photos import Photographs, open_photographs
from boxmask.detect.places import check_places
from boxmask.disk import explain_disk_errors
from boxmask.durable import digest
from boxmask.errors import ConfigError, RunError
from boxmask.export.files import replace_text
from boxmask.ours import is_there
from boxmask.version import __version__

FIND = Stage("find", "finding boxes")
_GO_ON = "run the same command again; it goes on with what is finished"


@dataclass(frozen=True)
class Detected:
    """What a detection has found and made."""

    out: str
    boxes: str  # the file of the boxes, as `check` takes it
    found: About
    masks: Summary
    shortage: str = ""
    """Why this is no success; empty if it is one."""

    @property
    def skipped_count(self) -> int:
        """How many photographs and boxes could not be used."""
        return self.found.unusable_count + self.masks.skipped_count


def detect(job: DetectJob, on_event: OnEvent) -> Detected:
    """Find boxes in photographs and mask them, or go on where an earlier run has stopped.

    Killed at any moment and run again, it writes the same bytes as if it had not been killed.
    """
    with explain_disk_errors(job.out, _GO_ON):
        check_paths(job)
        photographs = open_photographs(job)
        check_places(job, photographs)
        _refuse_foreign(job)
        with hold_lock(job.work):
            found = _boxes(job, photographs, on_event)
        masks = annotate(job.masks, on_event)
        if job.complete is not None:
            _write_completed(job)
    return Detected(str(job.out), str(job.boxes), found, masks, _shortage(job, found, masks))


def _boxes(job: DetectJob, photographs: Photographs, on_event: OnEvent) -> About:
    """Write the box file, unless it is there."""
    settings = _settings(job, photographs)
    parts = Parts(job.work, settings, len(photographs.names))
    if job.masks.fresh:
        parts.clear()
    elif is_there(job.boxes):
        parts.remove()
        about = read_about(job.boxes)
        _require_same(job, settings, about.settings)
        return about
    _find(job, photographs, parts, on_event)
    about = write_boxes(photographs, parts)
    parts.remove()
    return about


def _find(job: DetectJob, photographs: Photographs, parts: Parts, on_event: OnEvent) -> None:
    # Here, because importing PyTorch takes longer than finding that nothing is left to do.
    from boxmask.annotate.network import DeviceNetwork
    from boxmask.detect.find import find_boxes

    total = len(photographs.names)
    threads = job.masks.threads or parts.threads or network_threads()
    on_event(Event(FIND, 0, total))
    network = DeviceNetwork.load(
        job.weights,
        device=str(parts.settings["--device"]),
        precision=str(parts.settings["--precision"]),
        threads=threads,
    )
    parts.make(
        lambda places: find_boxes(network, photographs, places),
        threads=threads,
        on_done=lambda done: on_event(Event(FIND, done, total)),
    )


def _settings(job: DetectJob, photographs: Photographs) -> Settings:
    """Name all that the boxes depend on, as the command line spells it."""
    from boxmask.models.device import choose_device, choose_precision

    device = choose_device(job.masks.device)
    complete = None if job.complete is None else DIGEST_PREFIX + digest(job.complete)
    return {
        "boxmask": __version__,
        "PHOTOS (names and sizes)": DIGEST_PREFIX + photographs.digest,
        "--weights": DIGEST_PREFIX + digest(job.weights),
        "--complete": complete,
        "--min-score": job.min_score,
        "--most": job.most,
        "--overlap": None if job.complete is None else job.overlap,
        "--exif": job.masks.exif,
        "--max-pixels": job.masks.max_pixels,
        "--batch-images": job.masks.batch_images,
        "--device": device,
        "--precision": choose_precision(job.masks.precision, device),
    }


def _require_same(job: DetectJob, asked: Settings, written: Settings) -> None:
    """Raise RunError if the boxes that are there were found in another way."""
    for name, value in asked.items():
        if written.get(name) != value:
            shown = "another" if str(value).startswith(DIGEST_PREFIX) else f"{value}"
            before = "" if shown == "another" else f", and was {written.get(name)}"
            raise RunError(
                f"{job.boxes}: was found with other settings: {name} is {shown}{before}. Give "
                "another --out, or --fresh to start again and replace it."
            )


def _refuse_foreign(job: DetectJob) -> None:
    """Raise what would keep the end from being written, before time is spent on the beginning."""
    work = WorkFolder(job.masks.out)
    refuse_foreign_output(work, load_plan(work.plan), fresh=job.masks.fresh)
    ours = [job.boxes, *([job.out] if job.complete is not None else [])]
    for path in ours:
        if job.masks.fresh:
            job.ledger.give(path)
        if not job.ledger.may_replace(path):
            raise ConfigError(
                f"{path} is there already, and not as detect has written it; give another --out, "
                "or --fresh to start again and replace it."
            )


def _write_completed(job: DetectJob) -> None:
    """Write the file that is completed with the new records in it; its own bytes stay."""
    assert job.complete is not None
    proposed = open_document(job.masks.out)
    document = open_document(job.complete)
    records = slice_list(proposed, "annotations")
    new = [bytes(records[row]) for row in range(len(records))]
    with replace_text(job.ledger, job.out) as text:
        for piece in edited(document, list(appended(document, "annotations", new))):
            text.write(piece)


def _shortage(job: DetectJob, found: About, masks: Summary) -> str:
    """Say why there are too few boxes or masks, "" if there are enough."""
    if found.shortage:
        return found.shortage
    if not found.boxes and not found.known:
        return (
            f"no box of a score of {job.min_score:g} or more was found in {found.images:,} "
            "photographs; look lower with --min-score."
        )
    return masks.shortage
