"""What a run says while it goes on, and when it is done."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from boxmask.annotate.hints import Hints


class Stage(NamedTuple):
    """A step of a run; an export is one as well."""

    name: str  # as progress functions in Python get it
    title: str  # as people read it


READ = Stage("read", "reading the boxes")
LOOSENESS = Stage("looseness", "measuring how loose the boxes are")
TIME = Stage("time", "timing a few images")  # of a dry run
MASKS = Stage("masks", "making masks")
MERGE = Stage("merge", "writing the output")
UPLOAD = Stage("upload", "uploading")


@dataclass(frozen=True)
class Event:
    """So much of a stage is done."""

    stage: Stage
    done: int
    total: int
    done_before: int = 0  # of those done, how many an earlier run had finished


OnEvent = Callable[[Event], None]


@dataclass(frozen=True)
class Tally:
    """What became of the annotations of a whole output, counted."""

    images: int
    annotations: int
    statuses: dict[str, int]  # ok, kept, crowd, skipped; left and rejected, where there are any
    reasons: dict[str, int] = field(default_factory=dict)  # of those skipped, the most first
    clipped: int = 0  # predicted on the part of the box inside the image
    mean_iou: float | None = None  # expected, over the masks that were predicted
    outline_iou: float | None = None  # mean, of what polygons draw with the masks
    lowest_outline_iou: float | None = None
    warnings: dict[str, int] = field(default_factory=dict)  # what the reader counted
    rectangles: int = 0  # segmentations that were just their box, taken for boxes

    @property
    def skipped(self) -> int:
        """How many annotations have no mask because of a defect."""
        return self.statuses["skipped"]


class Made(NamedTuple):
    """How many masks were made."""

    now: int = 0  # by this run
    before: int = 0  # by earlier runs, and kept


@dataclass(frozen=True)
class Summary:
    """What a run has done."""

    out: str
    log: str
    tally: Tally
    shards: int
    predicted: int  # masks made by this run
    reused: int  # masks of an earlier run that it has kept
    other_images: bool  # those were made from another folder of images
    seconds: float
    already_done: bool  # nothing was left to do
    exported: dict[str, str]  # place of each export, by name
    export_notes: dict[str, dict[str, int | float]]  # what each could not hold, counted
    device: str
    precision: str
    runtime: str  # the library that computed the network
    told: Hints | None  # what the network knew of the boxes; None if it cannot be

    state: str = ""
    """The folder of this machine that has a copy of all, where the output has gone to a URL."""
    why_torch: str = ""
    """Why it was not the faster runtime; empty if it was, or if nobody left it open."""
    shortage: str = ""
    """Why there are too few masks for a success; empty if there are enough."""

    @property
    def skipped_count(self) -> int:
        """How many annotations were skipped."""
        return self.tally.skipped


@dataclass(frozen=True)
class Estimate:
    """What a run would do."""

    images: int
    annotations: int
    boxes: int  # that want a mask
    kept: int
    crowd: int
    skipped: dict[str, int]  # by reason, as far as the boxes alone tell
    shards: int
    finished_shards: int
    finished_boxes: int
    boxes_per_second: float | None  # None where nothing is left to time, or no image to time it on
    seconds_left: float
    device: str
    precision: str
    runtime: str
    told: Hints | None  # what the network would know of the boxes; None if it cannot be
    images_checked: int = 0  # opened, spread over all
    unusable: dict[str, int] = field(default_factory=dict)  # of those, by reason
    left: int = 0  # not in the part that is to be annotated
    rejected: int = 0  # in a review: left alone
    rectangles: int = 0  # segmentations that are just their box, taken for boxes
    shortage: str = ""
    """Why there would be too few masks for a success; empty if there would be enough."""

    @property
    def skipped_count(self) -> int:
        """How many annotations would be skipped, as far as the boxes alone tell."""
        return sum(self.skipped.values())
