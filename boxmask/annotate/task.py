"""A shard cut out of its run: all that its part is made from but the network, small enough to send.

Letters: n rows of the shard, of the N of the dataset; i of its images.
"""

from dataclasses import dataclass, replace

import numpy as np

from boxmask.annotate.parts import Part
from boxmask.annotate.plan import Shard
from boxmask.annotate.workload import Workload
from boxmask.dataset import BoxDataset, IntArray

# Columns of a dataset by row, as far as masks are made from them.
_BY_ROW = (
    "boxes",
    "relative",
    "image_index",
    "category_index",
    "is_crowd",
    "has_mask",
    "faults",
    "is_rectangle",
    "is_rejected",
)
_BY_IMAGE = ("file_names", "widths", "heights")


@dataclass(frozen=True, eq=False)
class Task:
    """One shard of a run, in rows and images of its own."""

    number: int  # in the plan
    workload: Workload  # of the shard alone
    rows: IntArray  # (n,) what its rows are in the whole dataset, ascending
    first_image: int

    @property
    def shard(self) -> Shard:
        """The whole of its workload."""
        wanted = int(self.workload.wanted_by_image.sum())
        return Shard(0, len(self.workload.dataset.file_names), wanted)

    @property
    def images(self) -> str:
        """Its images, for messages."""
        names = self.workload.dataset.file_names
        return f"images {names[0]} to {names[-1]}"

    def in_whole(self, part: Part) -> Part:
        """Return the part of this task with rows and images as the whole dataset counts them."""
        rows, images = part.rows.copy(), part.images.copy()
        rows["row"] = self.rows[rows["row"]]
        images["image"] += self.first_image
        return replace(part, rows=rows, images=images)


def cut_task(workload: Workload, number: int, shard: Shard) -> Task:
    """Cut a shard out of a workload; neither its size nor its cost goes with the dataset's."""
    rows = np.sort(workload.rows_of(shard.first, shard.stop))
    dataset = _cut_dataset(workload.dataset, rows, shard)
    own = replace(workload, dataset=dataset, status=workload.status[rows])
    return Task(number, own, rows, shard.first)


def _cut_dataset(dataset: BoxDataset, rows: IntArray, shard: Shard) -> BoxDataset:
    columns = {name: getattr(dataset, name)[rows] for name in _BY_ROW}
    images = slice(shard.first, shard.stop)
    columns["image_index"] = columns["image_index"] - shard.first
    return replace(
        dataset,
        **columns,
        **{name: getattr(dataset, name)[images] for name in _BY_IMAGE},
        image_ids=range(shard.stop - shard.first),
        annotation_ids=range(len(rows)),
        scores=None,
        warnings={},
        records=(),
        image_records=(),
        members={},
    )
