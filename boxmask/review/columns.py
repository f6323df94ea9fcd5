"""The verdicts that stand, as columns that filters look at, also as they were a while ago.

Letters: N annotations of the file.
"""

from typing import NamedTuple

import numpy as np

from boxmask.faults import Flags
from boxmask.review.judgements import Judgement

VERDICTS = ("none", "accept", "reject", "fix", "corrected")


class _Before(NamedTuple):
    """What was there before an entry."""

    seq: int
    row: int
    code: int
    corrected: bool


class VerdictColumns:
    """One verdict a row, and whether a correction stands."""

    def __init__(self, rows: int) -> None:
        self.codes = np.zeros(rows, np.uint8)  # (N,) places in VERDICTS
        self.corrected = np.zeros(rows, np.bool_)  # (N,)
        self._before: list[_Before] = []

    def set(self, row: int, judgement: Judgement | None, seq: int = 0) -> None:
        """Put down what stands of a row since entry `seq`."""
        if seq:
            code, corrected = int(self.codes[row]), bool(self.corrected[row])
            self._before.append(_Before(seq, row, code, corrected))
        self.codes[row] = VERDICTS.index(judgement.verdict) if judgement else 0
        self.corrected[row] = bool(judgement and judgement.correction)

    def flags(self, verdict: str, as_of: int | None = None) -> Flags:
        """Tell which rows (N,) have a verdict; "any": which have one at all.

        As of an entry: of those since the start, for a page whose list is not to shift under it.
        """
        codes, corrected = self._as_of(as_of) if as_of is not None else (self.codes, self.corrected)
        if verdict == "corrected":
            return corrected
        code = VERDICTS.index("none" if verdict == "any" else verdict)
        flags: Flags = codes != code if verdict == "any" else codes == code
        return flags

    def _as_of(self, seq: int) -> tuple[np.ndarray, Flags]:
        codes, corrected = self.codes.copy(), self.corrected.copy()
        for before in reversed(self._before):
            if before.seq <= seq:
                break
            codes[before.row], corrected[before.row] = before.code, before.corrected
        return codes, corrected

    def counts(self) -> dict[str, int]:
        """Count the rows of each verdict but "none"."""
        counts = np.bincount(self.codes, minlength=len(VERDICTS)).tolist()
        return dict(zip(VERDICTS[1:], counts[1:], strict=True))
