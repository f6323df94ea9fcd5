"""How good the masks are that nobody has looked at: a random sample of them, judged by a person.

A sample is a line in the verdicts file with its size and seed, so it can be drawn again from the
file at any time. It is drawn from the masks that were made and not judged before that line; these
are the set that it speaks for. It is simple, not stratified: for it an exact interval is known that
needs no assumption, also among the masks above any expected IoU.

Letters: M masks in the set, n in the sample.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

import numpy as np
import numpy.typing as npt

from boxmask.dataset import IntArray
from boxmask.errors import ConfigError
from boxmask.mark import Status
from boxmask.review.instances import STATUSES, Instances
from boxmask.review.intervals import least_good, most_good
from boxmask.review.job import ReviewJob
from boxmask.review.judgements import Judgement, Judgements
from boxmask.review.reading import open_instances
from boxmask.review.verdicts import Entry, VerdictLog, read_verdicts

CONFIDENCE = 0.95
WANTED = 0.95  # of the masks above the expected IoU that is named
_GOOD, _BAD, _OPEN = 1, 0, -1
_LEAST = 59  # that all are good of so many shows what is wanted, of fewer nothing does
_FIRST = 124  # so many that two bad ones among them still show it
_STEP = 0.01  # of expected IoU


@dataclass(frozen=True)
class AuditReport:
    """What a sample says. Shares are of all masks that were made, those judged before included."""

    sample: int
    judged: int  # of the sample
    acceptable: int  # of those
    population: int  # masks that the sample was drawn from
    judged_before: int  # masks that were judged when it was drawn
    share: float | None  # the estimate; None before anything is judged
    low: float
    high: float
    confidence: float
    threshold: float | None  # the expected IoU above which 95 % are acceptable; None: not shown
    above: int  # masks of the population from there on


@dataclass(frozen=True, eq=False)
class Audit:
    """A sample that was drawn."""

    instances: Instances
    drawn: Entry
    before: Mapping[int, Judgement]  # what stood when it was drawn

    @classmethod
    def latest(cls, instances: Instances, entries: Sequence[Entry]) -> "Audit | None":
        """Find the last sample that was drawn from these very masks; None if there is none."""
        mine = fingerprint(instances) if any(one.verdict == "audit" for one in entries) else ""
        for drawn in reversed(entries):
            if drawn.verdict == "audit" and drawn.mask == mine and drawn.size:
                earlier = Judgements.of([e for e in entries if e.seq < drawn.seq], instances)
                return cls(instances, drawn, earlier.by_row)
        return None

    @cached_property
    def population(self) -> IntArray:
        """The masks (M,) that were made and not judged."""
        made = _made(self.instances)
        made[_judged(self.before)] = False
        return np.flatnonzero(made)

    @cached_property
    def rows(self) -> IntArray:
        """The rows of the sample (n,), in their random order."""
        population = self.population
        size = min(self.drawn.size or 0, len(population))
        picked = drawn_places(len(population), size, self.drawn.seed or 0)
        return population[np.array(picked, np.int64)]

    def report(self, judgements: Mapping[int, Judgement]) -> AuditReport:
        """Say what the verdicts that stand now tell of all masks.

        A mask is acceptable if it was accepted as it was made. Those of the sample that wait for a
        verdict count as bad for the lower bound and as good for the upper one, so that leaving out
        the hard ones makes nothing look better.
        """
        found = _values(self.rows, judgements)
        judged, good = int((found != _OPEN).sum()), int((found == _GOOD).sum())
        size = len(self.population)
        low, high = self._bounds(judgements, good, good + len(found) - judged)
        earlier = _values(np.array(_judged(self.before), np.int64), judgements)
        known, open_ = int((earlier == _GOOD).sum()), int((earlier == _OPEN).sum())
        total = max(size + len(earlier), 1)
        threshold, above = self._threshold(found)
        return AuditReport(
            sample=len(found),
            judged=judged,
            acceptable=good,
            population=size,
            judged_before=len(earlier),
            share=(known + size * good / judged) / total if judged else None,
            low=(known + low) / total,
            high=(known + open_ + high) / total,
            confidence=CONFIDENCE,
            threshold=threshold,
            above=above,
        )

    def _bounds(
        self, judgements: Mapping[int, Judgement], least: int, most: int
    ) -> tuple[int, int]:
        """Return bounds of how many of the population are good; what is known outright counts."""
        size, sample = len(self.population), len(self.rows)
        alpha = (1 - CONFIDENCE) / 2
        judged = np.fromiter(judgements, np.int64, len(judgements))
        known = _values(judged[np.isin(judged, self.population)], judgements)
        low = least_good(size, sample, least, alpha=alpha)
        high = most_good(size, sample, most, alpha=alpha)
        return max(low, int((known == _GOOD).sum())), min(high, size - int((known == _BAD).sum()))

    def _threshold(self, found: npt.NDArray[np.int8]) -> tuple[float | None, int]:
        """Find the lowest expected IoU above which enough are acceptable, and how many those are.

        Candidates are tested one after another from the top, each at the full level, and the first
        that fails ends it: a fixed sequence errs no more often than a single test. Where it
        begins depends on expected IoUs alone, never on verdicts.
        """
        iou = np.nan_to_num(self.instances.iou, nan=-1.0)
        every, sampled = np.sort(iou[self.population]), iou[self.rows]
        begin = min(_FIRST, max(_LEAST, len(found) // 2))
        best: tuple[float | None, int] = (None, 0)
        for threshold in np.arange(1 - _STEP, -_STEP / 2, -_STEP).round(2).tolist():
            above = sampled >= np.float32(threshold)
            sample, good = int(above.sum()), int((found[above] == _GOOD).sum())
            size = len(every) - int(np.searchsorted(every, np.float32(threshold)))
            if sample < begin and sample < size:
                continue
            if not size or least_good(size, sample, good, alpha=1 - CONFIDENCE) < WANTED * size:
                if sample:
                    break
                continue
            best = (threshold, size)
        return best


def draw(
    instances: Instances,
    log: VerdictLog,
    entries: list[Entry],
    size: int,
    *,
    seed: int | None = None,
) -> Audit:
    """Go on with the sample of that size if it is the latest, else draw one and note it.

    The entry that notes it is appended to the log and to the entries.
    """
    latest = Audit.latest(instances, entries)
    if latest is not None and latest.drawn.size == size:
        return latest
    entry = log.append(
        client="audit",
        row=None,
        id=None,
        image=None,
        mask=fingerprint(instances),
        verdict="audit",
        size=size,
        seed=secrets.randbits(32) if seed is None else seed,
    )
    before = Judgements.of(entries, instances).by_row
    entries.append(entry)
    return Audit(instances, entry, before)


def fingerprint(instances: Instances) -> str:
    """Name the masks that a sample can be drawn from, by what the file says of each."""
    columns = (instances.status, instances.iou, instances.area, instances.dataset.image_index)
    whole = hashlib.sha256(b"".join(column.tobytes() for column in columns))
    return whole.hexdigest()[:16]


def drawn_places(count: int, size: int, seed: int) -> list[int]:
    """Draw `size` of `count` places, in random order; a smaller sample begins a larger one.

    Fisher and Yates's shuffle, cut short, by the one stream of Python that never changes.
    """
    chance, moved, places = Random(seed), dict[int, int](), []
    for place in range(size):
        other = place + int(chance.random() * (count - place))
        places.append(moved.get(other, other))
        moved[other] = moved.get(place, place)
    return places


def _made(instances: Instances) -> npt.NDArray[np.bool_]:
    """Tell which rows (N,) have a mask that was made."""
    made: npt.NDArray[np.bool_] = instances.status == STATUSES.index(Status.OK)
    return made & instances.dataset.has_mask


def _judged(judgements: Mapping[int, Judgement]) -> list[int]:
    return [row for row, one in judgements.items() if one.verdict != "none"]


def _values(rows: IntArray, judgements: Mapping[int, Judgement]) -> npt.NDArray[np.int8]:
    """Say of each row (n,) whether its mask as it was made is good, bad or not judged."""
    values = np.full(len(rows), _OPEN, np.int8)
    for place, row in enumerate(rows.tolist()):
        judgement = judgements.get(row)
        if judgement is not None and (judgement.verdict != "none" or judgement.correction):
            accepted = judgement.verdict == "accept" and judgement.correction is None
            values[place] = _GOOD if accepted else _BAD
    return values


def audited(job: ReviewJob, size: int) -> AuditReport:
    """Go on with the sample of that size in the verdicts of a job, or draw it; say what it tells.

    A review that has the verdicts open is not disturbed unless a sample is to be drawn.
    """
    if job.file is None:
        raise ConfigError("--audit is of the masks of an annotated file; name it first.")
    instances = open_instances(job.file, job.images, bbox=job.bbox)
    entries = read_verdicts(job.verdicts_file).entries
    audit = Audit.latest(instances, entries)
    if audit is None or audit.drawn.size != size:
        log = VerdictLog.open(job.verdicts_file, file=job.file.name, annotations=len(instances))
        entries = log.read.entries
        try:
            audit = draw(instances, log, entries, size)
        finally:
            log.close()
    return audit.report(Judgements.of(entries, instances).by_row)
