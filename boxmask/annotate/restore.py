"""The parts of a finished output, made again from the output itself.

They are removed when it is finished, and needed again when images that were missing turn up.
"""

import msgspec
import numpy as np

from boxmask.annotate.parts import Outcome, Part, pack, write_part
from boxmask.annotate.plan import Plan, Shard
from boxmask.annotate.work_folder import Skip, WorkFolder
from boxmask.annotate.workload import Workload
from boxmask.data import pixel_boxes
from boxmask.data.annotated_file import AnnotatedFile, open_annotated
from boxmask.data.raw.members import split_members
from boxmask.mark import Status, read_mark

_BOX = msgspec.json.Decoder(tuple[int, int, int, int])
_AREA = msgspec.json.Decoder(int)


def restore_parts(workload: Workload, plan: Plan, work: WorkFolder) -> None:
    """Write the parts that are missing from what the output and its log say."""
    output = open_annotated(work.out, workload.dataset)
    skips = dict(work.read_log())
    for k, shard in enumerate(plan.shards):
        if work.finished_part(plan, k) is None:
            part = _part_of(workload, shard, output, skips)
            write_part(work.part(k), part, plan.fingerprint)


def _part_of(
    workload: Workload, shard: Shard, output: AnnotatedFile, skips: dict[int, Skip]
) -> Part:
    outcomes, sizes = [], {}
    for image, rows in workload.rows_to_predict(shard, at_once=None):
        width, height = output.sizes[image].tolist()
        if width and height:
            sizes[image] = (width, height)
        boxes = pixel_boxes(workload.dataset, rows, width, height)
        inside = boxes.clip(0, np.array([width, height, width, height], np.float64))
        clipped = (boxes != inside).any(axis=1).tolist()
        for row, over in zip(rows.tolist(), clipped, strict=True):
            skip = skips.get(row)
            outcomes.append(
                Outcome(row, skip.reason, skip.detail.encode())
                if skip is not None
                else _mask_of(output.records[row], row, clipped=over)
            )
    return pack(outcomes, sizes)


def _mask_of(record: bytes, row: int, *, clipped: bool) -> Outcome:
    members = split_members(record)
    mark = read_mark(members["boxmask"])
    assert mark is not None and mark.status == Status.OK and isinstance(mark.box, msgspec.Raw)
    return Outcome(
        row,
        fragment=bytes(members["segmentation"]),
        area=_AREA.decode(members["area"]),
        box=_BOX.decode(mark.box),
        quality=mark.predicted_iou or 0.0,
        clipped=clipped,
        outline_iou=mark.outline_iou or 1.0,
    )
