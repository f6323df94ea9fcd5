"""Pastes predicted masks and encodes them as JSON. The work of an encoding thread."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.parts import Outcome
from boxmask.annotate.prepare import BoxViews
from boxmask.geometry import paste_frame_runs, paste_runs
from boxmask.models.prediction import MaskPrediction, to_numpy
from boxmask.outlines import Outline, exact_outline, outline
from boxmask.paste_turned import frame_of_samples, paste_turned_runs
from boxmask.rle import Box, IntArray, area, bounding_box, compress, runs_window
from boxmask.turned import bounds_of, corners_of
from boxmask.window import Window


@dataclass(frozen=True, eq=False)
class PastedMask:
    """The mask of one box as runs of its image, never empty."""

    row: int
    counts: IntArray
    region: Box  # a box that it does not leave
    width: int  # of the image
    height: int
    quality: float  # expected IoU
    clipped: bool  # the box reached over the image's border

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The tight box, x, y, w, h."""
        return bounding_box(self.counts, height=self.height)

    def rle(self) -> dict[str, object]:
        """Write the mask as COCO's compressed runs."""
        written = compress(self.counts, width=self.width, height=self.height)
        return {"size": [self.height, self.width], "counts": written.decode("ascii")}

    def outline(self, tolerance: float | None = None, max_vertices: int | None = None) -> Outline:
        """Outline the mask along pixel edges, or within a tolerance, as a COCO segmentation."""
        size = {"width": self.width, "height": self.height}
        if tolerance is None:
            return exact_outline(self.window(), **size)
        return outline(self.window(), **size, tolerance=tolerance, max_vertices=max_vertices)

    def window(self) -> Window:
        """Return the pixels that hold the mask."""
        size = {"width": self.width, "height": self.height}
        return runs_window(self.counts, **size, box=self.region)


def encode_batch(
    group: list[BoxViews], predicted: MaskPrediction, job: AnnotateJob
) -> list[Outcome]:
    """Paste and encode every box of a batch, predicted in the order of the group."""
    return [_encode(mask, job) for mask in paste_masks(group, predicted)]


def paste_masks(group: list[BoxViews], predicted: MaskPrediction) -> Iterator[PastedMask]:
    """Paste every box of a batch, predicted in the order of the group."""
    probabilities, quality = to_numpy(predicted)
    at = 0
    for boxes in group:
        if boxes.size is None:
            continue
        width, height = boxes.size
        for k, row in enumerate(boxes.rows.tolist()):
            counts, region = _paste(boxes, k, probabilities[at], width, height)
            clipped = bool(boxes.clipped[k])
            yield PastedMask(row, counts, region, width, height, float(quality[at]), clipped)
            at += 1


def _encode(mask: PastedMask, job: AnnotateJob) -> Outcome:
    """Write a mask as runs or polygons; area and box are those of what is drawn from it."""
    drawn = mask.outline(job.tolerance, job.max_vertices) if job.polygons else None
    counts = mask.counts if drawn is None else drawn.counts
    return Outcome(
        mask.row,
        fragment=msgspec.json.encode(mask.rle() if drawn is None else drawn.polygons),
        area=area(counts),
        box=bounding_box(counts, height=mask.height),
        quality=mask.quality,
        outline_iou=1.0 if drawn is None else drawn.iou,
        clipped=mask.clipped,
    )


def _paste(
    boxes: BoxViews, k: int, probability: npt.NDArray[np.float32], width: int, height: int
) -> tuple[IntArray, Box]:
    """Paste the mask (M, M) of box k; return its runs and a box that they do not leave."""
    if boxes.angles is not None and boxes.angles[k]:
        return _paste_turned(boxes, k, probability, width, height)
    if boxes.frames is None or boxes.clips is None:
        box = boxes.boxes[k]
        return paste_runs(probability, box, width=width, height=height), box
    frame, clip = boxes.frames[k], boxes.clips[k]
    return paste_frame_runs(probability, frame, clip=clip, width=width, height=height), clip


def _paste_turned(
    boxes: BoxViews, k: int, probability: npt.NDArray[np.float32], width: int, height: int
) -> tuple[IntArray, Box]:
    """Paste the mask (M, M) of turned box k as `_paste` does."""
    assert boxes.angles is not None
    angle = boxes.angles[k : k + 1]
    frame_angle = float(angle[0])
    frame, clip = frame_of_samples(boxes.boxes[k], len(probability)), boxes.boxes[k]
    if boxes.frames is not None and boxes.clips is not None:
        frame, clip = boxes.frames[k], boxes.clips[k]
    elif boxes.bounds is not None:
        frame, frame_angle = frame_of_samples(boxes.bounds[k], len(probability)), 0.0
    size = {"width": width, "height": height}
    counts = paste_turned_runs(
        probability, frame, angle=float(angle[0]), clip=clip, frame_angle=frame_angle, **size
    )
    return counts, bounds_of(corners_of(clip[None], angle))[0]
