"""What every shard of a run has in common."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from boxmask.annotate.job import Job
from boxmask.annotate.plan import Shard
from boxmask.annotate.told import Told
from boxmask.dataset import BoxDataset, IntArray
from boxmask.mark import Status


@dataclass(frozen=True, eq=False)
class Scope:
    """A job, its dataset of N rows, and what is to become of each."""

    job: Job
    told: Told | None  # what the network is told of the boxes, None if it cannot be
    dataset: BoxDataset
    status: npt.NDArray[np.uint8]  # (N,) Status

    @cached_property
    def _by_image(self) -> tuple[IntArray, IntArray]:
        return self.dataset.rows_by_image()

    @property
    def tightness(self) -> float:
        """What the network is told of how loose the boxes are; 0 where it cannot be told."""
        return 0.0 if self.told is None else self.told.tightness

    @property
    def wanted_by_image(self) -> IntArray:
        """Count the boxes of each image (I,) that want a mask."""
        images = self.dataset.image_index[self.status == Status.OK.code]
        return np.bincount(images, minlength=len(self.dataset.image_ids)).astype(np.int64)

    def wanted(self, shard: Shard, *, most: int | None) -> Iterator[tuple[int, IntArray]]:
        """Yield the images of a shard with the rows that want a mask, in runs of `most` rows."""
        order, starts = self._by_image
        for image in range(shard.first, shard.stop):
            rows = order[starts[image] : starts[image + 1]]
            rows = rows[self.status[rows] == Status.OK.code]
            yield from ((image, some) for some in in_runs(rows, most=most))

    def objects(self, image: int) -> IntArray:
        """Return the rows of an image (K,) that say where an object is, wanted or not."""
        order, starts = self._by_image
        rows = order[starts[image] : starts[image + 1]]
        usable = (self.dataset.faults[rows] == 0) & ~self.dataset.is_crowd[rows]
        objects: IntArray = rows[usable]
        return objects


def in_runs(rows: IntArray, *, most: int | None) -> Iterator[IntArray]:
    """Cut rows (n,) into runs of `most`."""
    step = most or max(len(rows), 1)
    return (rows[first : first + step] for first in range(0, len(rows), step))
