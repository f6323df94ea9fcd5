"""Answers `api/predict`: the mask of a box and clicks on an image of a review. Nothing is kept."""

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from boxmask.data import pixel_boxes
from boxmask.review.clicks import Point
from boxmask.review.describe import Json
from boxmask.review.instances import Box
from boxmask.review.judgements import Drawn
from boxmask.review.loading import Loading
from boxmask.review.masks import checked_rle, rle_hash, shape_of
from boxmask.review.pictures import Pictures
from boxmask.review.session import Session
from boxmask.review.verdicts import Row
from boxmask.rle import runs_window, segmentation_runs
from boxmask.window import Window

Floats = npt.NDArray[np.float64]


class Question(NamedTuple):
    """What a page asks: x, y, w, h of a box, clicks on it, and the mask that they are about."""

    image: int
    box: Box
    points: Sequence[Point]
    row: Row | None  # the annotation whose box it is; None for a new one
    base: dict[str, Any] | None  # None: what the network says of the box


class _Others(NamedTuple):
    """The boxes around one that is asked about: K of them."""

    boxes: Floats  # (K, 4) x0, y0, x1, y1
    names: npt.NDArray[np.object_]  # (K,) of their categories

    def alike(self, name: str) -> npt.NDArray[np.bool_] | None:
        """Tell which are of that category (K,); None where that is not known."""
        return np.array(self.names == name, np.bool_) if name else None


class Predicting:
    """Asks the network of a review."""

    def __init__(self, session: Session, pictures: Pictures, loading: Loading) -> None:
        self._session = session
        self._pictures = pictures
        self._loading = loading

    def predict(self, question: Question) -> Json:
        """Mask a box of an image, shown the other boxes of it."""
        begun = perf_counter()
        self._session.check_image(question.image)
        if isinstance(question.row, int):
            self._session.check_row(question.row)
        pixels = self._pictures.pixels(question.image)
        height, width = pixels.shape[:2]
        x, y, w, h = question.box
        others = self._others(question, width, height)
        category = self._category(question.row)
        found = self._loading.network().correct(
            pixels,
            (x, y, x + w, y + h),
            question.points,
            before=_before(self._base(question), width, height),
            others=others.boxes,
            alike=others.alike(category),
            category=category,
            key=(question.image, self._pictures.stamp(question.image)),
        )
        rle = checked_rle(found.rle(), width=width, height=height)
        shape = shape_of(rle)
        return {
            "rle": rle,
            "rings": shape.rings,
            "mask_box": shape.box,
            "hash": rle_hash(rle),
            "iou": round(found.quality, 4),
            "ms": round((perf_counter() - begun) * 1000, 1),
        }

    def _base(self, question: Question) -> Json | None:
        """Return the mask that clicks are about; on a turned box never what its bounds give."""
        instances, row = self._session.instances, question.row
        if question.base is None and isinstance(row, int) and instances.corners(row):
            return dict(instances.rle(row) or {}) or None
        return question.base

    def _others(self, question: Question, width: int, height: int) -> _Others:
        """Find the image's other boxes as they stand, those that were drawn among them."""
        instances = self._session.instances
        rows = instances.rows_of(question.image)
        rows = rows[rows != question.row] if isinstance(question.row, int) else rows
        boxes = pixel_boxes(instances.dataset, rows, width, height)
        names = [instances.category(row) for row in rows.tolist()]
        for place, row in enumerate(rows.tolist()):
            judgement = self._session.by_row.get(row)
            if judgement is not None and judgement.correction and judgement.correction.box:
                boxes[place] = _corners(judgement.correction.box)
        drawn = [one for one in self._drawn_on(question.image) if one.row != question.row]
        boxes = np.vstack([boxes, *(_corners(one.standing_box) for one in drawn)])
        usable = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        names += [one.category for one in drawn]
        return _Others(boxes[usable], np.array(names, np.object_)[usable])

    def _drawn_on(self, image: int) -> Iterator[Drawn]:
        name = self._session.instances.dataset.file_names[image]
        for drawn in self._session.drawn:
            if drawn.image == name and drawn.judgement.verdict != "reject":
                yield drawn

    def _category(self, row: Row | None) -> str:
        """Name the category of an annotation, "" if that is not known."""
        if isinstance(row, int):
            return self._session.instances.category(row)
        return next((one.category for one in self._session.drawn if one.row == row), "")


def _corners(box: Sequence[float]) -> Floats:
    x, y, w, h = box
    return np.array([x, y, x + w, y + h], np.float64)


def _before(base: dict[str, Any] | None, width: int, height: int) -> Window | None:
    """Decode the mask that clicks are about."""
    if base is None:
        return None
    rle = checked_rle(base, width=width, height=height)
    counts = segmentation_runs(rle, width=width, height=height)
    return runs_window(counts, width=width, height=height, box=(0, 0, width, height))
