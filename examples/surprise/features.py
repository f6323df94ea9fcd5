"""What the frozen backbone sees in each view and in its mirror image, kept on the disk.

Letters: V views, N boxes, S sides (as it is, mirrored). A view is an image, or for Zoom one box.
Boxes are (x0, y0, x1, y1), in pixels of an image or in fractions of a view.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from rows import Settings
from torch import Tensor

from boxmask.models import ModelConfig, build
from boxmask.models.backbones.trunk import BackboneWithNeck
from boxmask.models.network import MaskNetwork
from boxmask.models.views import Views, cut_views
from boxmask.train.data.collection import Collection
from boxmask.train.data.sources import open_sources

Items = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

LEVELS = 4  # at strides 4, 8, 16 and 32
CHUNK = 32  # views that the backbone sees at once
ROOM = 1 << 29  # bytes of pictures and masks in memory


@dataclass(frozen=True, eq=False)
class Features:
    """The levels of all views, and where each box lies on its view."""

    levels: tuple[npt.NDArray[np.float16], ...]  # each (V, S, C, h, w)
    boxes: Floats  # (N, S, 4)

    def take(self, views: Items, mirrored: Items) -> list[Tensor]:
        """Return the levels of some views as a backbone would."""
        return [torch.from_numpy(level[views, mirrored]).float() for level in self.levels]


def collect(settings: Settings, split: str, *, seen: str) -> Collection:
    """Open the training or the validation photos; only masks of seen classes are ever read."""
    path = settings.train if split == "train" else settings.val
    sources = open_sources([path], [settings.images], seen=seen)
    return Collection(sources, min_side=2.0, cache_bytes=ROOM)


def masked(collection: Collection) -> Items:
    """Return the boxes of seen classes that hold any pixel of their mask."""
    items = np.flatnonzero(collection.table.supervised).tolist()
    return np.array([item for item in items if collection.instances[item].mask is not None])


def cached(settings: Settings, config: ModelConfig, collection: Collection, split: str) -> Features:
    """Open or make the features of a split; they depend on no row but for its family."""
    size = config.view_size if config.view_per_box else config.image_size
    name = f"{config.backbone}-{config.family}-{size}-{split}"
    return _features(settings.out / "features" / name, config, collection)


def _features(folder: Path, config: ModelConfig, collection: Collection) -> Features:
    """Open what is in the folder, and make it first if it is not there."""
    if not folder.exists():
        unfinished = folder.with_name(f"{folder.name}.tmp")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        _write(unfinished, config, collection)
        unfinished.rename(folder)
    levels = (np.load(folder / f"level{i}.npy", mmap_mode="r") for i in range(LEVELS))
    return Features(tuple(levels), np.load(folder / "boxes.npy"))


def views_of(config: ModelConfig, collection: Collection, items: Items) -> Items:
    """Return the view of each box: its image, or for Zoom its own."""
    return items if config.view_per_box else collection.table.image[items]


@torch.no_grad()
def _write(folder: Path, config: ModelConfig, collection: Collection) -> None:
    """Let the backbone see every view."""
    torch.manual_seed(0)  # the tiny backbone has no weights to load, and must be one for all splits
    network = build(config, pretrained=config.backbone != "tiny").eval()
    items = np.arange(len(collection.table.image))
    count = int(views_of(config, collection, items).max()) + 1
    boxes = np.zeros((len(items), 2, 4), dtype=np.float32)
    levels: list[Any] = []
    for image in np.unique(collection.table.image):
        mine = items[collection.table.image == image]
        views = np.unique(views_of(config, collection, mine))
        for side in (0, 1):
            cut = _cut(config, collection, mine, mirrored=bool(side))
            boxes[mine, side] = cut.boxes
            for first in range(0, len(views), CHUNK):
                span = slice(first, first + CHUNK)
                seen = _trunk(network, cut.pixels[span])
                levels = levels or [_create(folder, i, count, x) for i, x in enumerate(seen)]
                for level, x in zip(levels, seen, strict=True):
                    level[views[span], side] = x.half().numpy()
    for level in levels:
        level.flush()
    np.save(folder / "boxes.npy", boxes)


def _cut(config: ModelConfig, collection: Collection, items: Items, *, mirrored: bool) -> Views:
    """Cut the views of boxes of one image."""
    picture = collection.images[int(collection.table.image[items[0]])]
    boxes = np.array([collection.instances[int(item)].box for item in items])
    if mirrored:
        picture = np.ascontiguousarray(picture[:, ::-1])
        boxes = boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + np.array([1, 0, 1, 0]) * picture.shape[1]
    return cut_views(config, picture, boxes)


def _trunk(network: MaskNetwork, pixels: Tensor) -> list[Tensor]:
    """Return the levels that are joined: the finest one is for networks that are told of boxes."""
    levels: list[Tensor] = cast(BackboneWithNeck, network.backbone).trunk(network.normalise(pixels))
    return levels[1:]


def _create(folder: Path, index: int, count: int, like: Tensor) -> Any:
    """Create the file of a level, for views like these."""
    shape = (count, 2, *like.shape[1:])
    path = folder / f"level{index}.npy"
    return np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
