"""From probabilities to masks, and to their ready JSON: the work of an encoding thread."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from boxmask.annotate.network import Answer
from boxmask.annotate.opening import Opened
from boxmask.annotate.parts import Outcome
from boxmask.geometry import paste_frame_runs, paste_runs
from boxmask.polygons import coco_polygons
from boxmask.rle import Box, IntArray, area, bounds, compress, runs_window
from boxmask.window import Window


@dataclass(frozen=True, eq=False)
class Mask:
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
        return bounds(self.counts, height=self.height)

    def rle(self) -> dict[str, object]:
        """Write the mask as COCO's compressed runs."""
        written = compress(self.counts, width=self.width, height=self.height)
        return {"size": [self.height, self.width], "counts": written.decode("ascii")}

    def polygons(self) -> list[list[float]]:
        """Outline the mask along pixel edges, as a COCO segmentation."""
        return coco_polygons(self.window())

    def window(self) -> Window:
        """Return the pixels that hold the mask."""
        size = {"width": self.width, "height": self.height}
        return runs_window(self.counts, **size, box=self.region)


def encode_batch(group: list[Opened], answer: Answer, *, polygons: bool) -> list[Outcome]:
    """Paste and encode every box of a batch; the answer has them in the order of the group."""
    return [_encoded(mask, polygons=polygons) for mask in masks_of(group, answer)]


def masks_of(group: list[Opened], answer: Answer) -> Iterator[Mask]:
    """Paste every box of a batch; the answer has them in the order of the group."""
    probabilities, quality = answer.arrive()
    first = 0
    for one in group:
        stop = first + len(one.rows)
        yield from _pasted(one, probabilities[first:stop], quality[first:stop])
        first = stop


def _pasted(
    one: Opened, probabilities: npt.NDArray[np.float32], quality: npt.NDArray[np.float32]
) -> Iterator[Mask]:
    if one.size is None:
        return
    width, height = one.size
    for k, row in enumerate(one.rows.tolist()):
        counts, region = _runs(one, k, probabilities[k], width, height)
        yield Mask(row, counts, region, width, height, float(quality[k]), bool(one.clipped[k]))


def _encoded(mask: Mask, *, polygons: bool) -> Outcome:
    return Outcome(
        mask.row,
        fragment=msgspec.json.encode(mask.polygons() if polygons else mask.rle()),
        area=area(mask.counts),
        box=mask.box,
        quality=mask.quality,
        clipped=mask.clipped,
    )


def _runs(
    one: Opened, k: int, probability: npt.NDArray[np.float32], width: int, height: int
) -> tuple[IntArray, Box]:
    """Paste a mask (M, M), and return its runs with a box that it does not leave."""
    if one.frames is None or one.clips is None:
        box = one.boxes[k]
        return paste_runs(probability, box, width=width, height=height), box
    frame, clip = one.frames[k], one.clips[k]
    return paste_frame_runs(probability, frame, clip=clip, width=width, height=height), clip
