"""What became of the annotations, counted."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Tally:
    """Counts over a whole output."""

    images: int
    annotations: int
    statuses: dict[str, int]  # ok, kept, crowd, skipped
    reasons: dict[str, int] = field(default_factory=dict)  # of those skipped, the most first
    clipped: int = 0  # predicted on the part of the box inside the image
    mean_iou: float | None = None  # expected, over the masks that were predicted
    warnings: dict[str, int] = field(default_factory=dict)  # what the reader counted

    @property
    def skipped(self) -> int:
        """How many annotations have no mask because of a defect."""
        return self.statuses["skipped"]
