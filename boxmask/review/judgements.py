"""What stands of all verdicts: one judgement a row, and the annotations that were drawn."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from boxmask.review.instances import Box, Instances
from boxmask.review.masks import Rle, rle_hash
from boxmask.review.verdicts import Entry, Row, standing


class Correction(NamedTuple):
    """A mask that takes the place of the one in the file."""

    rle: Rle
    box: Box | None  # x, y, w, h; None: the annotation's own
    by: tuple[str, ...]  # what made it: "box", "points", "brush"


@dataclass(frozen=True)
class Judgement:
    """What stands of one row."""

    verdict: str  # accept, reject, fix or corrected; "none": a verdict was taken back
    seq: int
    at: str
    correction: Correction | None = None  # also where a verdict on it came later


@dataclass(frozen=True)
class Drawn:
    """An annotation that was drawn in the review."""

    row: str  # "new-K", K the seq of the entry that drew it
    image: str  # its file name
    category: str
    rle: Rle
    box: Box
    judgement: Judgement  # "drawn", or what was said of it later

    @property
    def standing_rle(self) -> Rle:
        """Its mask, as it was corrected if it was."""
        return self.judgement.correction.rle if self.judgement.correction else self.rle

    @property
    def standing_box(self) -> Box:
        """Its box, likewise."""
        correction = self.judgement.correction
        return (correction.box if correction else None) or self.box


class Judgements:
    """The entries of a verdicts file, folded row by row onto the masks of a file."""

    def __init__(self, instances: Instances) -> None:
        self.by_row: dict[int, Judgement] = {}
        self.drawn: dict[str, Drawn] = {}
        self._stale: dict[Row, int] = {}
        self._entries: dict[Row, list[Entry]] = defaultdict(list)
        self._instances = instances

    @classmethod
    def of(cls, entries: Iterable[Entry], instances: Instances) -> "Judgements":
        """Fold all entries."""
        judgements = cls(instances)
        for entry in entries:
            if entry.row is not None:
                judgements._entries[entry.row].append(entry)
        for row in list(judgements._entries):
            judgements._fold(row)
        return judgements

    def add(self, entry: Entry) -> None:
        """Fold one more entry."""
        if entry.row is not None:
            self._entries[entry.row].append(entry)
            self._fold(entry.row)

    @property
    def stale(self) -> int:
        """How many verdicts are of masks that are not those of the file any more."""
        return sum(self._stale.values())

    def _fold(self, row: Row) -> None:
        entries = list(standing(self._entries[row]))
        if isinstance(row, str):
            self._fold_drawn(row, entries)
            return
        judgement, stale = None, len(entries)
        if self._is_same(row, entries):
            judgement, stale = _folded(entries, self._instances.hash(row))
        self._stale[row] = stale
        if judgement is None:
            self.by_row.pop(row, None)
        else:
            self.by_row[row] = judgement

    def _fold_drawn(self, row: str, entries: list[Entry]) -> None:
        self.drawn.pop(row, None)
        if not entries or (first := entries[0]).verdict != "drawn" or first.rle is None:
            return
        judgement, self._stale[row] = _folded(entries[1:], rle_hash(first.rle))
        judgement = judgement or Judgement("drawn", first.seq, first.at)
        box = first.box if first.box and len(first.box) == 4 else (0.0, 0.0, 0.0, 0.0)
        self.drawn[row] = Drawn(
            row, first.image or "", first.category or "", first.rle, box, judgement
        )

    def _is_same(self, row: int, entries: list[Entry]) -> bool:
        """Tell whether the file still has the annotation of these entries in this row."""
        if not entries or not 0 <= row < len(self._instances):
            return False
        dataset = self._instances.dataset
        image = int(dataset.image_index[row])
        name = dataset.file_names[image] if image >= 0 else None
        return entries[0].id == dataset.annotation_ids[row] and entries[0].image == name


def _folded(entries: list[Entry], hash: str | None) -> tuple[Judgement | None, int]:
    """Fold standing entries onto a mask of that hash; also say how many are of other masks."""
    judgement: Judgement | None = None
    stale = 0
    for entry in entries:
        if entry.mask != hash:
            stale += 1
            continue
        correction = judgement.correction if judgement else None
        if entry.rle is not None:
            box = entry.box if entry.box and len(entry.box) == 4 else None
            correction, hash = Correction(entry.rle, box, entry.by), rle_hash(entry.rle)
        verdict = entry.verdict
        if verdict == "none" and correction is not None:
            verdict = "corrected"
        judgement = Judgement(verdict, entry.seq, entry.at, correction)
    return judgement, stale
