"""From probabilities to the ready JSON of a mask: the work of an encoding thread."""

import msgspec
import numpy as np
import numpy.typing as npt

from boxmask.annotate.network import Answer
from boxmask.annotate.opening import Opened
from boxmask.annotate.parts import Outcome
from boxmask.geometry import paste_frame_runs, paste_runs
from boxmask.polygons import coco_polygons
from boxmask.rle import Box, IntArray, area, bounds, compress, runs_window


def encode_batch(group: list[Opened], answer: Answer, *, polygons: bool) -> list[Outcome]:
    """Paste and encode every box of a batch; the answer has them in the order of the group."""
    probabilities, quality = answer.arrive()
    outcomes = []
    first = 0
    for one in group:
        stop = first + len(one.rows)
        outcomes += _encode(one, probabilities[first:stop], quality[first:stop], polygons=polygons)
        first = stop
    return outcomes


def _encode(
    one: Opened,
    probabilities: npt.NDArray[np.float32],
    quality: npt.NDArray[np.float32],
    *,
    polygons: bool,
) -> list[Outcome]:
    if one.size is None:
        return []
    width, height = one.size
    outcomes = []
    for k, row in enumerate(one.rows.tolist()):
        counts, region = _runs(one, k, probabilities[k], width, height)
        outcomes.append(
            Outcome(
                row,
                fragment=msgspec.json.encode(
                    _polygons(counts, region, width, height)
                    if polygons
                    else _rle(counts, width, height)
                ),
                area=area(counts),
                box=bounds(counts, height=height),
                quality=float(quality[k]),
                clipped=bool(one.clipped[k]),
            )
        )
    return outcomes


def _runs(
    one: Opened, k: int, probability: npt.NDArray[np.float32], width: int, height: int
) -> tuple[IntArray, Box]:
    """Paste a mask (M, M), and return its runs with a box that it does not leave."""
    if one.frames is None or one.clips is None:
        box = one.boxes[k]
        return paste_runs(probability, box, width=width, height=height), box
    frame, clip = one.frames[k], one.clips[k]
    return paste_frame_runs(probability, frame, clip=clip, width=width, height=height), clip


def _rle(counts: IntArray, width: int, height: int) -> dict[str, object]:
    written = compress(counts, width=width, height=height)
    return {"size": [height, width], "counts": written.decode("ascii")}


def _polygons(counts: IntArray, box: Box, width: int, height: int) -> list[list[float]]:
    return coco_polygons(runs_window(counts, width=width, height=height, box=box))
