"""What a page can ask of a session: lists, counts, one image, what is new."""

import dataclasses
from collections import Counter
from functools import cached_property

import numpy as np

from boxmask.dataset import IntArray
from boxmask.review.audit import Audit
from boxmask.review.columns import VERDICTS
from boxmask.review.describe import Json
from boxmask.review.filters import SIZES, Filter, Selector
from boxmask.review.instances import STATUSES
from boxmask.review.judgements import Drawn
from boxmask.review.masks import shape_of
from boxmask.review.session import Session
from boxmask.review.verdicts import Row
from boxmask.version import __version__

BINS = 20  # of the histogram of expected IoU
MOST_CHANGES = 200  # instances in one answer


class Answers:
    """Answers questions about a session as JSON values."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._instances = session.instances
        self._selector = Selector(session.instances, session.columns)

    def prepare(self) -> None:
        """Make what the first question would wait for."""
        self.page(Filter(), 0, 1)
        _ = self.summary(), self._instances.rows_by_image

    def summary(self) -> Json:
        """Say what there is, as numbers."""
        session = self._session
        return self._fixed | {
            **session.counted(),
            "categories": self._categories(),
            "sample": len(self._sample()),
            "seq": session.seq,
        }

    def _categories(self) -> list[Json]:
        """Count the annotations of each category, those drawn included."""
        names = Counter[str](self._in_file)
        names.update(drawn.category for drawn in self._session.drawn)
        return [{"name": name, "count": count} for name, count in names.items()]

    @cached_property
    def _in_file(self) -> Counter[str]:
        """How many annotations of each category the file has; "": of none."""
        dataset = self._instances.dataset
        used = np.bincount(dataset.category_index + 1, minlength=len(dataset.categories) + 1)
        names: Counter[str] = Counter({"": int(used[0])} if used[0] else {})
        for category, count in zip(dataset.categories, used[1:].tolist(), strict=True):
            names[category.name] += count
        return names

    @cached_property
    def _fixed(self) -> Json:
        instances = self._instances
        dataset = instances.dataset
        statuses = np.bincount(instances.status, minlength=len(STATUSES)).tolist()
        return {
            "file": dataset.path.name,
            "images": len(dataset.image_ids),
            "annotations": len(instances),
            "masks": int(dataset.has_mask.sum()),
            "statuses": {s: n for s, n in zip(STATUSES, statuses, strict=True) if n},
            "predicted": not bool(np.isnan(instances.iou).all()),
            "images_alone": dataset.path == instances.images,
            "verdicts_file": self._session.log.path.name,
            "version": __version__,
        }

    def page(self, wanted: Filter, offset: int, limit: int) -> Json:
        """Return some of the instances that pass a filter; those drawn come last."""
        session = self._session
        with session.lock:
            rows = self._selector.rows(wanted, self._sample())
        drawn = [one for one in session.drawn if _passes(one, wanted)]
        chosen: list[Row] = rows[offset : offset + limit].tolist()
        skipped = max(offset - len(rows), 0)
        chosen += [one.row for one in drawn[skipped : skipped + limit - len(chosen)]]
        return {
            "total": len(rows) + len(drawn),
            "offset": offset,
            "seq": session.seq,
            "rows": self._described(chosen),
        }

    def histogram(self, wanted: Filter) -> Json:
        """Count the instances that pass a filter by their expected IoU, and those judged."""
        with self._session.lock:
            flags = self._selector.flags(wanted.without_iou(), self._sample())
            judged = self._session.columns.flags("any").copy()
        edges = np.linspace(0, 1, BINS + 1).round(4)
        iou = self._instances.iou
        flags &= ~np.isnan(iou)
        # A value is a float32 and so are the edges, else 0.35 would lie below its own edge.
        counts, seen = (
            np.histogram(iou[some].clip(0, 1), edges.astype(np.float32))[0].tolist()
            for some in (flags, flags & judged)
        )
        return {"edges": edges.tolist(), "counts": counts, "judged": seen}

    def image(self, image: int, offset: int, limit: int) -> Json:
        """Return the instances of an image: those drawn, then the largest first."""
        session = self._session
        session.check_image(image)
        rows = self._instances.rows_of(image)
        rows = rows[np.argsort(-np.nan_to_num(self._instances.area[rows]), kind="stable")]
        name = self._instances.dataset.file_names[image]
        every: list[Row] = [one.row for one in session.drawn if one.image == name]
        every += rows.tolist()
        width, height = self._instances.size(image)
        return {
            "image": image,
            "file_name": name,
            "width": width,
            "height": height,
            "total": len(every),
            "offset": offset,
            "rows": self._described(every[offset : offset + limit]),
        }

    def changes(self, since: int) -> Json:
        """Return the instances that entries after `since` are of, as they stand now."""
        session = self._session
        rows: dict[Row, None] = {}
        seq = since
        with session.lock:
            start = len(session.entries)
            while start and session.entries[start - 1].seq > since:
                start -= 1
            for entry in session.entries[start:]:
                if len(rows) == MOST_CHANGES:
                    break
                seq = entry.seq
                if isinstance(entry.row, str) or 0 <= (entry.row or 0) < len(self._instances):
                    rows.update({} if entry.row is None else {entry.row: None})
            shown = [session.describe(row) or {"row": row, "gone": True} for row in rows]
            more = seq < session.seq
        return {"seq": seq, "more": more, "rows": shown, **session.counted()}

    def _described(self, rows: list[Row]) -> list[Json]:
        found = (self._session.describe(row) for row in rows)
        return [one for one in found if one is not None]

    def audit(self) -> Json | None:
        """Say what the latest sample tells of all masks; None if none was drawn."""
        session = self._session
        with session.lock:
            if self._audit is None:
                return None
            return dataclasses.asdict(self._audit.report(session.by_row))

    def _sample(self) -> IntArray:
        """Return the rows of the audit's sample, in its order."""
        return np.zeros(0, np.int64) if self._audit is None else self._audit.rows

    @cached_property
    def _audit(self) -> Audit | None:
        # Nobody else can draw another one: the verdicts are open here.
        return Audit.latest(self._instances, self._session.entries)


def _passes(drawn: Drawn, wanted: Filter) -> bool:
    """Tell whether a drawn annotation passes a filter."""
    if wanted.sample or wanted.iou_min is not None or wanted.iou_max is not None:
        return False
    return (
        (not wanted.category or drawn.category in wanted.category)
        and wanted.status in ("", "drawn")
        and wanted.image.casefold() in drawn.image.casefold()
        and _has_verdict(drawn, wanted.verdict)
        and _has_size(drawn, wanted.size)
    )


def _has_verdict(drawn: Drawn, verdict: str) -> bool:
    said = drawn.judgement.verdict
    if verdict == "corrected":
        return drawn.judgement.correction is not None
    if verdict == "any":
        return said in VERDICTS[1:]
    return verdict in ("", said)  # what a person drew is not there to be judged


def _has_size(drawn: Drawn, size: str) -> bool:
    if not size:
        return True
    low, high = SIZES[size]
    return low <= shape_of(drawn.standing_rle).area < high
