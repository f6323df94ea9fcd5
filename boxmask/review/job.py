"""What is reviewed, and where its verdicts are."""

from dataclasses import dataclass
from pathlib import Path

from boxmask.formats import BoxForm


@dataclass(frozen=True)
class ReviewJob:
    """The files of a review."""

    file: Path | None  # an annotated file; None: only images, to draw on
    images: Path
    verdicts: Path | None = None  # None: beside the file
    bbox: BoxForm = "auto"
    fresh: bool = False  # replace files that were written by something else
    port: int = 0  # of the page; 0: one that is free
    open_browser: bool = True
    weights: Path | None = None  # that make masks of boxes and clicks; None: the bundled ones
    follow_links: bool = False  # also show images that links lead to out of the folder

    @property
    def verdicts_file(self) -> Path:
        """Where verdicts are kept."""
        reviewed = (self.file or self.images).absolute()
        return self.verdicts or reviewed.with_name(f"{reviewed.name}.verdicts.jsonl")
