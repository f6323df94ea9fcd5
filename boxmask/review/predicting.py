"""Answers `api/predict`: the mask of a box and clicks on an image of a review. Nothing is kept."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from boxmask.dataset import IntArray
from boxmask.review.clicks import Point
from boxmask.review.correct import Corrector
from boxmask.review.describe import Json
from boxmask.review.instances import Box
from boxmask.review.masks import checked_rle, rle_hash, shape_of
from boxmask.review.pictures import Pictures
from boxmask.review.session import Session
from boxmask.rle import runs_window, segmentation_runs
from boxmask.window import Window


class Question(NamedTuple):
    """What a page asks: x, y, w, h of a box, clicks on it, and the mask that they are about."""

    image: int
    box: Box
    points: Sequence[Point]
    row: int | str | None  # the annotation whose box it is; None for a new one
    base: dict[str, Any] | None  # None: what the network says of the box


class Predicting:
    """The network of a review, loaded when it is first asked."""

    def __init__(self, session: Session, pictures: Pictures, weights: Path | None) -> None:
        self._session = session
        self._pictures = pictures
        self._weights = weights

    def predict(self, question: Question) -> Json:
        """Mask a box of an image, shown the other boxes of it."""
        begun = perf_counter()
        self._session.check_image(question.image)
        pixels = self._pictures.pixels(question.image)
        height, width = pixels.shape[:2]
        x, y, w, h = question.box
        others = self._others(question)
        found = self.corrector.correct(
            pixels,
            (x, y, x + w, y + h),
            question.points,
            before=_before(question.base, width, height),
            others=self._session.instances.dataset.boxes[others],
            alike=self._alike(question, others),
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

    @cached_property
    def corrector(self) -> Corrector:
        """The network."""
        return Corrector.load(self._weights)

    def _others(self, question: Question) -> IntArray:
        """Find the rows of the image's other boxes that can be used."""
        dataset = self._session.instances.dataset
        rows = self._session.instances.rows_of(question.image)
        sides = dataset.boxes[rows]
        usable = np.isfinite(sides).all(axis=1) & (sides[:, 2:] > sides[:, :2]).all(axis=1)
        if isinstance(question.row, int):
            usable &= rows != question.row
        return rows[usable]

    def _alike(self, question: Question, others: IntArray) -> Any:
        """Tell which of the others are of the same category; None where that is not known."""
        categories = self._session.instances.dataset.category_index
        if not isinstance(question.row, int) or not 0 <= question.row < len(categories):
            return None
        own = categories[question.row]
        return (categories[others] == own) & (own >= 0)


def _before(base: dict[str, Any] | None, width: int, height: int) -> Window | None:
    """Decode the mask that clicks are about."""
    if base is None:
        return None
    rle = checked_rle(base, width=width, height=height)
    counts = segmentation_runs(rle, width=width, height=height)
    return runs_window(counts, width=width, height=height, box=(0, 0, width, height))
