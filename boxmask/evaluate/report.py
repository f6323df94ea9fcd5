"""What an evaluation found, as it is written to JSON: these names are the keys, and they stay.

Every IoU and AP is a fraction of 1; intervals are [low, high] at 95 %, by bootstrap over images;
what could not be computed (an empty split, no predicted quality) is null. Splits are "overall",
"seen" and "unseen" (with --seen), and those named by --split.
"""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from boxmask.annotate.hints import Hints
from boxmask.dataset import Id
from boxmask.evaluate.calibration import Calibration

FORMAT = "boxmask-eval-1"

Interval = tuple[float, float]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Mean:
    """One quantity averaged in the two ways, each with its interval."""

    class_mean: float  # over the instances of a class, then over the classes of the split
    class_mean_95: Interval
    instance_mean: float  # over all instances of the split
    instance_mean_95: Interval


@dataclass(frozen=True)
class SizeScore:
    """IoU of the instances of one size: COCO's areas 32^2 and 96^2, of the true mask's pixels."""

    instances: int
    class_mean: float
    instance_mean: float


class _ByMetric(Generic[Value]):
    """Has the means of each metric; in the JSON they stand among the other keys."""

    means: dict[str, Value]

    @property
    def iou(self) -> Value:
        """Return the mean IoU."""
        return self.means["iou"]

    @property
    def boundary_iou(self) -> Value:
        """Return the mean boundary IoU."""
        return self.means["boundary_iou"]


@dataclass(frozen=True)
class SplitScore(_ByMetric[Mean]):
    """One system on one split."""

    means: dict[str, Mean]  # by metric: iou, boundary_iou and whatever METRICS holds besides
    sizes: dict[str, SizeScore]  # small, medium, large
    calibration: Calibration | None  # null where the predictions carry no quality
    ap: dict[str, float]  # AP, AP50, AP75, APs, APm, APl; areas here are those of the file


@dataclass(frozen=True)
class ClassScore(_ByMetric[float]):
    """One system on one class; means over its instances."""

    id: Id
    name: str
    seen: bool | None
    instances: int
    means: dict[str, float]
    ap: float


@dataclass(frozen=True)
class SystemScore:
    """One set of predictions: a file, the network that was run, or a baseline."""

    name: str
    ap_ranked_by: str  # predicted_iou, score, or constant where there is neither
    missing: dict[str, int]  # why an instance has no prediction -> count; each counts as IoU 0
    missing_ids: list[Id]  # the first few
    extra: int  # predictions of no ground-truth annotation; they count in AP alone
    extra_ids: list[Id]
    box_iou: float  # mean, of the boxes that its masks were made from with the true ones
    splits: dict[str, SplitScore]
    gap: Mean | None  # IoU of seen minus unseen; above 0 is what generalisation costs
    classes: list[ClassScore]  # those with instances


@dataclass(frozen=True)
class SplitDifference(_ByMetric[Mean]):
    """Two systems on the very same instances of one split: first minus second."""

    means: dict[str, Mean]
    better: float  # share of the instances where the first has the higher IoU
    worse: float


@dataclass(frozen=True)
class Difference:
    """The paired difference of the first system from another one."""

    first: str
    second: str
    splits: dict[str, SplitDifference]


@dataclass(frozen=True)
class SplitSize:
    """How much there is to score in one split."""

    categories: int  # with at least one instance
    instances: int


@dataclass(frozen=True)
class Loosening:
    """How the true boxes were moved before the network and the baselines saw them."""

    fraction: float  # the side error's standard deviation, in sides of the box
    seed: int
    box_iou: float  # mean, of the moved boxes with the true ones


@dataclass(frozen=True)
class EvaluationReport:
    """All that one evaluation found."""

    format: str
    ground_truth: str
    images: int  # with at least one instance
    left_out: dict[str, int]  # why annotations were not scored -> count; crowds among them
    rectangles: int  # true masks, of those scored, that are just a box
    seen: str | None  # as given
    loosening: Loosening | None  # null where the true boxes themselves were seen
    told: Hints | None  # what the network knew of the boxes; null if there is none to tell
    splits: dict[str, SplitSize]
    systems: list[SystemScore]
    differences: list[Difference]  # of the first system from each of the others
    shortage: str = ""  # why too few true masks have a prediction; empty if enough have one

    @property
    def metrics(self) -> list[str]:
        """Name the metrics that were measured."""
        return list(self.systems[0].splits["overall"].means)


def to_json(report: EvaluationReport) -> bytes:
    """Write a report as JSON, each metric's mean under the metric's own name."""
    plain = msgspec.to_builtins(report)
    for scored in (*plain["systems"], *plain["differences"]):
        scored["splits"] = {name: _flat(split) for name, split in scored["splits"].items()}
    for system in plain["systems"]:
        system["classes"] = [_flat(found) for found in system["classes"]]
    return msgspec.json.format(msgspec.json.encode(plain))


def _flat(scored: dict[str, Any]) -> dict[str, Any]:
    """Put the means where the key "means" stands."""
    flat: dict[str, Any] = {}
    for key, value in scored.items():
        flat |= value if key == "means" else {key: value}
    return flat
