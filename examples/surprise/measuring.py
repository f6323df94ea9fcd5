"""Do a run: train a row, measure it on the true boxes of the validation photos, and note it."""

import time

import numpy as np
import numpy.typing as npt
import torch
from features import cached, collect, masked, views_of
from report import append
from rows import ROWS, Run, Settings
from training import Learner, train

from boxmask.geometry import paste
from boxmask.models import ModelConfig
from boxmask.train.watch.validation import mask_iou

Floats = npt.NDArray[np.float64]


def work(run: Run, settings: Settings) -> str:
    """Do a run, note it, and say so."""
    start = time.perf_counter()
    torch.set_num_threads(1)
    iou = measure(train(run, settings), ROWS[run.row].config(settings), settings)
    append(settings.out / "runs.jsonl", run, iou)
    took = time.perf_counter() - start
    return f"{run.row}, {run.seen}, seed {run.seed}: {took:.0f} s, mean IoU {100 * iou.mean():.1f}"


@torch.no_grad()
def measure(learner: Learner, config: ModelConfig, settings: Settings) -> Floats:
    """Return the IoU of the masks of all true boxes, at the pixels of their images."""
    learner.eval()
    collection = collect(settings, "val", seen="all")
    seen = cached(settings, config, collection, "val")
    items = masked(collection)
    found = np.zeros(len(items))
    for image in np.unique(collection.table.image[items]):
        here = np.flatnonzero(collection.table.image[items] == image)
        views, index = np.unique(views_of(config, collection, items[here]), return_inverse=True)
        levels = seen.take(views, np.zeros_like(views))
        boxes = torch.from_numpy(seen.boxes[items[here], 0])
        masks = learner(levels, boxes, torch.from_numpy(index)).sigmoid().numpy()
        height, width = collection.images[int(image)].shape[:2]
        for place, mask in zip(here, masks, strict=True):
            instance = collection.instances[int(items[place])]
            window = paste(mask, instance.box, width=width, height=height)
            found[place] = mask_iou(window, instance.mask)
    return found
