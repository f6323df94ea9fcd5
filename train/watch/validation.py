"""How good the masks are during a run: IoU with the truth on true boxes, by seen and unseen class.

Shapes: N boxes. Classes are averaged, as in the paper. Masks are compared at the pixels of the
image inside the boxes; `boxmask eval` compares all of the image, with intervals.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from boxmask.errors import InputError
from boxmask.evaluate.bootstrap import draw_sums, interval
from boxmask.evaluate.calibration import calibrate
from boxmask.evaluate.means import class_sums
from boxmask.geometry import paste_frame_runs, paste_runs
from boxmask.models.cuts import mask_frames
from boxmask.models.inference import predict_masks
from boxmask.models.network import MaskNetwork
from boxmask.models.views import Views, cut_views
from boxmask.rle import runs_window
from boxmask.train.data.classes import class_numbers
from boxmask.train.data.collection import Collection
from boxmask.train.data.scene import as_neighbours
from boxmask.window import Window

Floats = npt.NDArray[np.float64]
Bits = npt.NDArray[np.bool_]
Items = npt.NDArray[np.int64]

CHUNK = 64


@dataclass(frozen=True, eq=False)
class ValidationScores:
    """The IoU of each box, and what the network expected it to be (N,)."""

    iou: Floats
    expected: Floats
    category: Items
    seen: Bits
    image: Items

    def scores(self) -> dict[str, float]:
        """Return the class-mean IoU by split with its interval, and how well it was foreseen."""
        classes = int(self.category.max()) + 1
        of_class = np.zeros(classes, dtype=np.bool_)
        of_class[self.category] = self.seen
        here = class_sums(self.iou, self.category, classes)
        drawn = draw_sums(self.iou, self.image, self.category, classes)
        splits = {"overall": np.ones_like(of_class), "seen": of_class, "unseen": ~of_class}
        scores = {}
        for name, split in splits.items():
            scores[f"miou_{name}"] = float(here.class_mean(split))
            low, high = interval(drawn.class_mean(split))
            scores |= {f"miou_{name}_low": low, f"miou_{name}_high": high}
        foreseen = calibrate(self.expected, self.iou)
        scores["instance_iou"] = float(self.iou.mean())
        scores["quality_rank"] = foreseen.spearman
        scores["quality_error"] = foreseen.expected_calibration_error
        return {name: value for name, value in scores.items() if np.isfinite(value)}


@dataclass(frozen=True, eq=False)
class Validation:
    """Boxes (N,) whose masks are known, and which categories were seen in training."""

    collection: Collection
    items: Items
    seen: Bits

    def measure(self, network: MaskNetwork, device: torch.device) -> ValidationScores:
        """Predict the masks of the boxes and compare them with the truth."""
        found = [
            (item, mask_iou(window, self.collection.instances[item].mask), quality)
            for item, window, quality in predict(network, self.collection, self.items, device)
        ]
        if not found:
            reasons = sorted(self.collection.left_out)
            raise InputError(f"nothing to measure on can be used: {reasons[0]}; check its images.")
        items, iou, expected = (np.array(column) for column in zip(*found, strict=True))
        table = self.collection.table
        category = table.category[items]
        return ValidationScores(iou, expected, category, self.seen[category], table.image[items])


@torch.no_grad()
def predict(
    network: MaskNetwork, collection: Collection, items: Items, device: torch.device
) -> Iterator[tuple[int, Window, float]]:
    """Yield the predicted mask of each box and its expected IoU, but for unreadable images."""
    network.eval()
    for group, views in _views(collection, items, network):
        probabilities, expected = predict_masks(network, views.to(device))
        for item, mask, quality in zip(
            group.tolist(), probabilities.cpu().numpy(), expected.tolist(), strict=True
        ):
            height, width = collection.images[int(collection.table.image[item])].shape[:2]
            box = collection.instances[item].box
            if network.config.window_masks:
                frame = mask_frames(network.config, box)[0]
                runs = paste_frame_runs(mask, frame, clip=box, width=width, height=height)
            else:
                runs = paste_runs(mask, box, width=width, height=height)
            yield item, runs_window(runs, width=width, height=height, box=box), quality


def spaced_items(collection: Collection, max_images: int) -> Items:
    """Choose the boxes of at max_images so many images, evenly over the collection."""
    items = np.flatnonzero(collection.table.supervised)
    images = np.unique(collection.table.image[items])
    chosen = images[
        np.unique(np.linspace(0, len(images) - 1, min(max_images, len(images))).astype(int))
    ]
    return items[np.isin(collection.table.image[items], chosen)]


def _views(
    collection: Collection, items: Items, network: MaskNetwork
) -> Iterator[tuple[Items, Views]]:
    """Cut the views of the boxes, about CHUNK boxes at a time."""
    config = network.config
    numbers = class_numbers(config.classes, collection.sources)
    if config.by_class:  # what else there is has no mask
        items = items[numbers[collection.table.category[items]] >= 0]
    images = collection.table.image[items]
    waiting: list[tuple[Items, Views]] = []
    for image in dict.fromkeys(images.tolist()):
        group = items[images == image]
        try:
            boxes = np.array([collection.instances[int(item)].box for item in group])
            pixels = collection.images[image]
        except InputError as error:
            collection.left_out.add(str(error))
            continue
        around = [
            as_neighbours(collection.instances[int(item)], collection.beside(int(item)))
            for item in group
        ]
        views = cut_views(config, pixels, boxes, neighbours=around)
        if config.by_class:
            labels = numbers[collection.table.category[group]]
            views = replace(views, labels=torch.from_numpy(labels))
        waiting.append((group, views))
        if sum(len(group) for group, _ in waiting) >= CHUNK or not config.view_per_box:
            yield _joined(waiting)
            waiting = []
    if waiting:
        yield _joined(waiting)


def _joined(parts: Sequence[tuple[Items, Views]]) -> tuple[Items, Views]:
    return np.concatenate([group for group, _ in parts]), Views.join([views for _, views in parts])


def mask_iou(predicted: Window, truth: Window | None) -> float:
    """Return the IoU of a predicted mask with the truth, 0 if there is none."""
    if truth is None:
        return 0.0
    both = (predicted.bits & predicted.overlap(truth)).sum()
    return float(both / (predicted.bits.sum() + truth.bits.sum() - both))
