"""Runs a detector over photographs. The work of a part depends on nothing but its photographs.

Letters: n boxes of one photograph, in pixels, COCO convention.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby, islice
from typing import NamedTuple

import numpy as np
import torch

from boxmask.annotate.network import DeviceNetwork
from boxmask.detect.found import Box, Found
from boxmask.detect.photos import Photographs
from boxmask.faults import ImageFault
from boxmask.models.cuts import Cuts, cut
from boxmask.models.detectors import Detections
from boxmask.models.views import Views
from boxmask.ordered import map_ordered

_LEAST_SIDE = 1.0  # pixels: nothing is smaller


class _Seen(NamedTuple):
    found: Found
    view: Cuts | None


def find_boxes(
    network: DeviceNetwork, photographs: Photographs, places: Sequence[int]
) -> Iterator[Found]:
    """Yield what is found in each of some photographs: boxes of the least score and more."""
    for batch in _batches(network, photographs, places):
        views = [one.view for one in batch if one.view is not None]
        if views:  # all of a batch have one, or none
            detections = _detect(network, views)
            for number, (one, view) in enumerate(zip(batch, views, strict=True)):
                one.found.boxes = _boxes(detections, number, view, one.found, photographs)
        yield from (one.found for one in batch)


def _batches(
    network: DeviceNetwork, photographs: Photographs, places: Sequence[int]
) -> Iterator[list[_Seen]]:
    """Yield runs of photographs whose views have the same sides, `batch_images` at most."""
    job = photographs.job.masks

    def look(place: int) -> _Seen:
        return _look(photographs, network, place)

    with ThreadPoolExecutor(job.decoders) as pool:
        seen = map_ordered(pool, look, places, depth=2 * job.decoders)
        for _, run in groupby(seen, key=_shape):
            while batch := list(islice(run, job.batch_images)):
                yield batch


def _shape(seen: _Seen) -> tuple[int, ...]:
    return () if seen.view is None else seen.view.pixels.shape[1:3]


def _look(photographs: Photographs, network: DeviceNetwork, place: int) -> _Seen:
    """Decode a photograph and cut its view, whose one box is the whole photograph."""
    try:
        pixels = photographs.load(place)
    except ImageFault as fault:
        return _Seen(Found(fault=fault.reason), None)
    height, width = pixels.shape[:2]
    whole = np.array([[0, 0, width, height]], dtype=np.float64)
    view = cut(network.config, pixels, whole)
    return _Seen(Found(size=(width, height)), view)


def _detect(network: DeviceNetwork, views: Sequence[Cuts]) -> Detections:
    joined = Views.of(Cuts.join(views)).to(network.device)
    with network.computing():
        found = network.network.detect(joined, joined.boxes[:, 2:])
    return Detections(*(column.cpu() for column in found))


def _boxes(
    found: Detections, number: int, view: Cuts, photo: Found, photographs: Photographs
) -> list[Box]:
    """Return the boxes of one view in pixels of its photograph, cut to it, the best first."""
    job = photographs.job
    size = torch.tensor(photo.size, dtype=torch.float64)
    to_pixels = (size / torch.from_numpy(view.boxes[0, 2:]).double()).repeat(2)
    wanted = found.views == number
    corners = (found.boxes[wanted].double() * to_pixels).clamp(min=0).minimum(size.repeat(2))
    rows = zip(
        corners.tolist(), found.labels[wanted].tolist(), found.scores[wanted].tolist(), strict=True
    )
    boxes = [
        Box(_xywh(corners), label, round(score, 4))
        for corners, label, score in rows
        if label in photographs.categories
    ]
    good = [box for box in boxes if box.score >= job.min_score and min(box.bbox[2:]) >= _LEAST_SIDE]
    return sorted(good, key=lambda box: -box.score)[: job.most]


def _xywh(corners: Sequence[float]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (round(value, 2) for value in corners)
    return x0, y0, round(x1 - x0, 2), round(y1 - y0, 2)
