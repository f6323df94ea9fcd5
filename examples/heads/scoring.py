"""Measure a network: the IoU of all true boxes' masks at the pixels of their images.

Views, boxes and true masks are the same for all rows: they are made once. What comes out is what
`boxmask eval --weights W --images DIR` finds, with and without --loosen.

Shapes: N boxes of the validation split.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from contest import Settings
from ledger import Boxes, Measured, Scores

from boxmask.evaluate.loosen import loosened
from boxmask.evaluate.mask_file import MaskFile
from boxmask.evaluate.measure import mask_record, mask_runs, pair_of
from boxmask.evaluate.metrics import METRICS, Size
from boxmask.evaluate.pairing import Instances, instances_to_score
from boxmask.evaluate.reading import read_masks
from boxmask.geometry import paste_runs
from boxmask.images import load_image
from boxmask.models.config import ModelConfig
from boxmask.models.inference import predict_masks
from boxmask.models.network import MaskNetwork
from boxmask.models.views import Views, cut_views
from boxmask.splits import select

_CHUNK = 64  # boxes that a network sees at once


@dataclass(frozen=True, eq=False)
class Truth:
    """True masks (N,) as runs, and the size of the image of each."""

    file: MaskFile
    instances: Instances
    runs: list[npt.NDArray[np.int64]]
    sizes: list[Size]

    def boxes(self, loosen: float) -> npt.NDArray[np.float64]:
        """Return the boxes (N, 4), exact or with sides that are moved."""
        rows = self.instances.rows
        if not loosen:
            return self.file.boxes[rows]
        ids = [self.file.ids[int(row)] for row in rows]
        limits = np.array(self.sizes, dtype=np.float64)
        return loosened(self.file.boxes[rows], ids, limits, fraction=loosen, seed=0)

    def described(self) -> Boxes:
        """Say where the boxes stand."""
        voc = select("voc", self.file.categories)
        image, category = self.instances.image, self.instances.category
        return Boxes(image.tolist(), category.tolist(), voc.tolist())


def measure(network: MaskNetwork, settings: Settings) -> Measured:
    """Measure a network on exact boxes and on loose ones."""
    network = network.eval().to(memory_format=torch.channels_last)
    exact, loose = (_scores(network, settings, fraction) for fraction in (0.0, settings.loosen))
    return Measured(exact, loose)


@cache
def read_truth(settings: Settings) -> Truth:
    """Read the masks to measure by."""
    file = read_masks(settings.val, predicted=False)
    instances = instances_to_score(file)
    images = [file.images[index] for index in instances.image]
    records = [mask_record(file, int(row)) for row in instances.rows]
    found = [
        mask_runs(record, (image.width, image.height))
        for record, image in zip(records, images, strict=True)
    ]
    return Truth(file, instances, [runs for runs, _ in found], [size for _, size in found])


@torch.inference_mode()
def _scores(network: MaskNetwork, settings: Settings, loosen: float) -> Scores:
    """Predict the masks of all boxes, paste them and compare them with the truth."""
    truth, scores = read_truth(settings), Scores([], [], [])
    boxes, place = truth.boxes(loosen), 0
    for views in _views(settings, loosen, network.config.view_size, network.config.context):
        masks, expected = predict_masks(network, views)
        scores.expected.extend(round(value, 4) for value in expected.tolist())
        for mask in masks.numpy():
            width, height = truth.sizes[place]
            runs = paste_runs(mask, boxes[place], width=width, height=height)
            pair = pair_of(truth.runs[place], runs, truth.sizes[place])
            scores.iou.append(round(METRICS["iou"].measure(pair), 4))
            scores.boundary.append(round(METRICS["boundary_iou"].measure(pair), 4))
            place += 1
    return scores


@cache
def _views(settings: Settings, loosen: float, side: int, context: float) -> list[Views]:
    """Cut the views of all boxes (N,), in chunks."""
    truth = read_truth(settings)
    boxes, config = truth.boxes(loosen), ModelConfig(view_size=side, context=context)
    # Instances come image by image or not: each stretch of one image is cut from it at once.
    change = np.flatnonzero(np.diff(truth.instances.image)) + 1
    cut = [
        cut_views(config, _pixels(truth, settings, start), boxes[start:stop])
        for start, stop in pairwise([0, *change.tolist(), len(boxes)])
    ]
    return Views.join(cut).split(_CHUNK)


def _pixels(truth: Truth, settings: Settings, place: int) -> npt.NDArray[np.uint8]:
    image = truth.file.images[truth.instances.image[place]]
    return load_image(settings.images, image.file_name, width=image.width, height=image.height)
