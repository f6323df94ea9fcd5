"""What is to be detected. Imports nothing heavy: the command line takes its defaults from here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boxmask.annotate.job import AnnotateJob
from boxmask.errors import ConfigError, InputError
from boxmask.export import flag
from boxmask.ours import Ledger
from boxmask.proposed import ENDING
from boxmask.remote import Folder, Url, require_readable


@dataclass(frozen=True, kw_only=True)
class DetectJob:
    """One detection: photographs, the network that finds boxes, and how masks are made of these."""

    photos: Folder
    weights: Path
    out: Path
    """Where all that is wanted goes in the end."""
    masks: AnnotateJob = field(repr=False)
    """What makes the masks; its boxes are the file that the detector writes."""
    complete: Path | None = None
    """A COCO file that is completed: what it has already is not found again."""
    min_score: float = 0.3
    """Weaker boxes are left out."""
    most: int = 100
    """The best so many boxes of an image count."""
    overlap: float = 0.5
    """The IoU with a box of its class from which on a box is one that the file has."""

    def __post_init__(self) -> None:
        for name in ("min_score", "overlap"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ConfigError(f"{flag(name)} is {value:g}; give a number from 0 to 1.")
        if self.most < 1:
            raise ConfigError(f"--most is {self.most}; give 1 or more.")
        if self.complete is not None and self.masks.exports:
            raise ConfigError(
                "exports are made of a whole file, and --complete writes the found ones into it "
                f"at the end; annotate {self.out} exports it: its masks stay."
            )

    @property
    def boxes(self) -> Path:
        """The file of the boxes that were found."""
        return self.masks.boxes

    @property
    def work(self) -> Path:
        """The folder of what is found so far."""
        return self.out.with_name(f"{self.out.name}.boxmask.found")

    @property
    def ledger_path(self) -> Path:
        """The file in which is kept what a detection has written."""
        return self.out.with_name(f"{self.out.name}.boxmask.detect")

    @property
    def ledger(self) -> Ledger:
        """What knows which files a detection has written."""
        return Ledger(self.ledger_path)


def detect_job(
    photos: Folder,
    *,
    weights: Path,
    out: Folder,
    exports: Mapping[str, Folder] | None = None,
    masks: Path | None = None,
    complete: Path | None = None,
    min_score: float = DetectJob.min_score,
    most: int = DetectJob.most,
    overlap: float = DetectJob.overlap,
    **annotating: Any,
) -> DetectJob:
    """Return the job of a detection; `masks` are the weights that make the masks, by default
    those that find the boxes, and `annotating` are further fields of AnnotateJob."""
    places = {name: _near(place) for name, place in (exports or {}).items()}
    out = _near(out)
    if complete is None and annotating.get("exif", "auto") == "auto":
        annotating["exif"] = "rotated"  # nobody has said a size that would decide
    return DetectJob(
        photos=photos,
        weights=weights,
        out=out,
        complete=complete,
        min_score=min_score,
        most=most,
        overlap=overlap,
        masks=AnnotateJob(
            boxes=out.with_name(f"{out.name}.boxes.json"),
            images=photos,
            exports=places,
            out=out if complete is None else out.with_name(out.name + ENDING),
            weights=masks or weights,
            **annotating,
        ),
    )


def _near(place: Folder) -> Path:
    if isinstance(place, Url):
        raise ConfigError(f"{place}: detect writes on this machine alone; give a path.")
    return place


def check_paths(job: DetectJob) -> None:
    """Raise InputError unless all that the job reads is there, and the output's folder too."""
    if isinstance(job.photos, Url):
        require_readable(job.photos)
    elif not job.photos.is_dir():
        what = "a file, no folder" if job.photos.exists() else "no such folder"
        raise InputError(f"{job.photos}: {what}; give the one that the photographs are in.")
    if job.complete is not None and not job.complete.is_file():
        what = "a folder" if job.complete.is_dir() else "no such file"
        raise InputError(f"{job.complete}: {what}; --complete takes a COCO file.")
    if not job.out.absolute().parent.is_dir():
        raise InputError(f"{job.out.parent}: no such folder; make it, or give another --out.")
    if job.out.is_dir():
        raise InputError(f"{job.out}: a folder; --out is the name of a file.")
    if job.complete is not None and job.out.exists() and job.out.samefile(job.complete):
        raise ConfigError(f"{job.out}: is the file to complete; give --out another name.")
