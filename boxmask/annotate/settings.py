"""The settings that the bytes of an output depend on, as a plan records them and gives them back.

Two runs that share them may share part files.
"""

import dataclasses
import hashlib
import os
from pathlib import Path

from boxmask.annotate.hints import Hints
from boxmask.annotate.job import AnnotateJob, resolve_weights
from boxmask.annotate.plan import DIGEST_PREFIX, Plan, Setting
from boxmask.annotate.runtime import choose_runtime
from boxmask.data import input_files
from boxmask.data.genome.images import IMAGE_DATA_NAME
from boxmask.durable import digest
from boxmask.errors import InputError, RunError
from boxmask.export import flag
from boxmask.version import __version__

# Fields of AnnotateJob that change the output; paths count by their content, not by their name.
OUTPUT_FIELDS = (
    "flip",
    "overwrite",
    "rectangles",
    "polygons",
    "tighten",
    "exif",
    "max_pixels",
    "decode",
    "batch_images",
    "batch_boxes",
    "shard_boxes",
)


def output_settings(
    job: AnnotateJob, hints: Hints | None, device: str, precision: str
) -> dict[str, Setting]:
    """Name everything that the bytes depend on, as the command line spells it.

    Hints, device and precision are those decided on; each precision and device rounds in its way.
    """
    reading = dataclasses.asdict(job.reading)
    del reading["strict"]  # stops a run, or changes nothing
    del reading["images"]  # that of the job
    implicit_images_json = job.boxes.absolute().with_name(IMAGE_DATA_NAME)  # read if it is there
    if reading["images_json"] is None and implicit_images_json.is_file():
        reading["images_json"] = implicit_images_json
    settings: dict[str, Setting] = {"boxmask": __version__, "BOXES": _boxes_content(job)}
    settings["--weights"] = _content(resolve_weights(job))
    for name, value in reading.items():
        settings[flag(name)] = _content(value) if isinstance(value, Path) else value
    for name in OUTPUT_FIELDS:
        settings[flag(name)] = getattr(job, name)
    outlines = {"--tolerance": job.tolerance, "--max-vertices": job.max_vertices}
    settings |= outlines if job.polygons else dict.fromkeys(outlines)
    settings["--limit"] = job.subset.limit
    settings["--category"] = ", ".join(job.subset.category) or None
    settings["--image"] = ", ".join(job.subset.image) or None
    settings["--tightness"] = None if hints is None else hints.tightness
    settings["--neighbours"] = None if hints is None else "on" if hints.neighbours else "off"
    return settings | {"--device": device, "--precision": precision}


def resolve_device(job: AnnotateJob, begun: Plan | None) -> tuple[str, str]:
    """Return the device and precision of a job; `auto` goes on with what its plan was begun with.

    Only where there is no plan is PyTorch asked, so that a finished run answers at once.
    """
    recorded = begun.settings if begun is not None else {}
    device, precision = job.device, str(job.precision)
    if device == "auto":
        device = str(recorded.get("--device", device))
    if precision == "auto" and device == recorded.get("--device"):
        precision = str(recorded.get("--precision", precision))
    if "auto" in (device, precision):
        from boxmask.models.device import choose_device, choose_precision

        device = choose_device(device)
        precision = choose_precision(precision, device)
    return device, precision


def resolve_runtime(job: AnnotateJob, begun: Plan | None, device: str, precision: str) -> str:
    """Return the runtime of a job; `auto` goes on with what its plan was begun with, if it can."""
    recorded = begun.settings if begun is not None else {}
    same = (device, precision) == (recorded.get("--device"), recorded.get("--precision"))
    wanted = str(recorded.get("--runtime", "auto")) if same else "auto"
    if job.runtime != "auto":
        wanted = job.runtime
    weights = resolve_weights(job)
    return choose_runtime(wanted, weights, device=device, precision=precision)


def recorded_tightness(plan: Plan) -> float | None:
    """Return the tightness that a plan was begun with; None if its network took no hints."""
    recorded = plan.settings.get("--tightness")
    return None if recorded is None else float(recorded)


def require_same_boxes(job: AnnotateJob, plan: Plan) -> None:
    """Raise RunError if the boxes are not those that the plan was made from."""
    if _boxes_content(job) != plan.settings["BOXES"]:
        raise RunError(
            f"{job.boxes}: has changed while its masks were made. Put back what was there and run "
            "the same command again, or give --fresh to start again."
        )


def _boxes_content(job: AnnotateJob) -> str:
    """Name the content of all files that the boxes are read from."""
    if not job.boxes.exists():
        raise InputError(f"{job.boxes}: no such file or folder.")
    paths = input_files(job.boxes, job.reading)
    if paths == [job.boxes]:
        return _content(job.boxes)
    lines = [f"{os.path.relpath(path, job.boxes)}\0{digest(path)}\n" for path in paths]
    together = "".join(lines).encode(errors="surrogateescape")
    return DIGEST_PREFIX + hashlib.sha256(together).hexdigest()


def _content(path: Path) -> str:
    if not path.exists():
        raise InputError(f"{path}: no such file.")
    return DIGEST_PREFIX + digest(path)
