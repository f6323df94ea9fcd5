"""What a run says while it goes on, and when it is done."""

from collections.abc import Callable
from dataclasses import dataclass

from boxmask.annotate.tally import Tally
from boxmask.annotate.told import Told


@dataclass(frozen=True)
class Event:
    """So much of a stage is done."""

    stage: str  # read, masks, merge, the name of an export; time in a dry run
    done: int
    total: int
    again: int = 0  # of those done, how many an earlier run had finished


Report = Callable[[Event], None]


@dataclass(frozen=True)
class Summary:
    """What a run has done."""

    out: str
    log: str
    tally: Tally
    shards: int
    predicted: int  # boxes, by this run
    reused: int  # boxes, from an earlier run's parts
    seconds: float
    already_done: bool  # nothing was left to do
    exported: dict[str, str]
    device: str
    precision: str
    told: Told | None  # of the boxes; None if the network cannot be told


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
    boxes_per_second: float | None  # None where nothing is left to time
    seconds_left: float
    device: str
    precision: str
    told: Told | None  # of the boxes; None if the network cannot be told
