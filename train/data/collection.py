"""Several datasets as one: which boxes can be learnt from, their images and their masks.

Shapes: N boxes that are fit for training and I images, of all sources one after another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from boxmask.data import frame_boxes, pixel_boxes, segmentation
from boxmask.dataset import BoxDataset
from boxmask.errors import ConfigError, InputError
from boxmask.images import load_image
from boxmask.rle import decode_window
from boxmask.train.data.scene import Bits, Instance, Pixels
from boxmask.train.data.sources import Source

IntArray = npt.NDArray[np.int64]
Boxes = npt.NDArray[np.float64]
Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Table:
    """Where each box that is fit for training stands (N,)."""

    source: IntArray
    row: IntArray  # in its source
    image: IntArray  # 0 to I-1
    category: IntArray  # counted over all sources; -1 where there is no such category
    supervised: Bits  # its class is seen and it has a mask

    def only(self, chosen: Bits) -> "Table":
        """Keep some of the boxes."""
        return Table(*(getattr(self, column.name)[chosen] for column in fields(self)))


class _BoundedCache(dict[Key, Value]):
    """Values made on demand and kept until their bytes are used up.

    Nothing is ever thrown out: under draws that are all as likely, what came first is as good to
    keep as what came last.
    """

    def __init__(
        self, make: Callable[[Key], Value], *, size: Callable[[Value], int], max_bytes: int
    ) -> None:
        super().__init__()
        self.make = make
        self.size = size
        self.bytes_left = max_bytes

    def __missing__(self, key: Key) -> Value:
        value = self.make(key)
        size = self.size(value)
        if size <= self.bytes_left:
            self.bytes_left -= size
            self[key] = value
        return value


class Collection:
    """The boxes to train on, and what belongs to them, read when asked for and kept."""

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        min_side: float,
        cache_bytes: int,
        holdout_every: int = 0,
        held_out: bool = False,
    ) -> None:
        """Collect boxes; of `holdout_every` images one is held out, or only those are kept."""
        self.sources = tuple(sources)
        self.table = _table(self.sources, min_side)
        if not self.table.supervised.any():
            raise InputError(_why_no_mask(self.sources))
        if holdout_every:
            self.table = self.table.only(
                (self.table.image % holdout_every == holdout_every - 1) == held_out
            )
            if not self.table.supervised.any():
                kept = "left to measure on" if held_out else "left to learn from"
                raise ConfigError(
                    f"holdout is {holdout_every}: no image with a mask is {kept}; change it."
                )
        self.left_out: set[str] = set()  # why something was not measured on
        self.first_images = _starts([len(one.dataset.file_names) for one in self.sources])
        self.images: _BoundedCache[int, Pixels] = _BoundedCache(
            self._image, size=_image_size, max_bytes=cache_bytes * 3 // 4
        )
        self.instances: _BoundedCache[int, Instance] = _BoundedCache(
            self._instance, size=_instance_size, max_bytes=cache_bytes // 4
        )

    def place(self, image: int) -> tuple[Source, int]:
        """Return the source of an image and its index there."""
        source = int(np.searchsorted(self.first_images, image, side="right")) - 1
        return self.sources[source], image - int(self.first_images[source])

    @cached_property
    def _by_image(self) -> tuple[IntArray, IntArray]:
        """Return (order, starts): the boxes of image i are order[starts[i]:starts[i + 1]]."""
        order = np.argsort(self.table.image, kind="stable")
        images = int(self.table.image.max()) + 1
        return order, np.searchsorted(self.table.image[order], np.arange(images + 1))

    def beside(self, item: int) -> list[Instance]:
        """Return the other boxes of an item's image; their masks are not even read."""
        order, starts = self._by_image
        image = int(self.table.image[item])
        items = order[starts[image] : starts[image + 1]]
        items = items[items != item]
        boxes = self._boxes(image, self.table.row[items])
        labels = self.table.category[items].tolist()
        return [Instance(box, None, "", label) for box, label in zip(boxes, labels, strict=True)]

    def _boxes(self, image: int, rows: IntArray) -> Boxes:
        """Return boxes (n, 4) of an image in its pixels, cut to it."""
        height, width = self.images[image].shape[:2]
        dataset = self.place(image)[0].dataset
        boxes: Boxes = pixel_boxes(dataset, rows, width, height)
        return boxes.clip(0, np.array([width, height, width, height]))

    def _image(self, image: int) -> Pixels:
        source, index = self.place(image)
        dataset = source.dataset
        return load_image(
            source.folder,
            dataset.file_names[index],
            width=int(dataset.widths[index]),
            height=int(dataset.heights[index]),
            rotated_if_unsized=dataset.rotated_if_unsized,
        )

    def _instance(self, item: int) -> Instance:
        dataset = self.sources[self.table.source[item]].dataset
        row, image = int(self.table.row[item]), int(self.table.image[item])
        height, width = self.images[image].shape[:2]
        box = self._boxes(image, np.array([row]))[0]
        file = dataset.file_names[int(dataset.image_index[row])]
        name = f"{file} annotation {dataset.annotation_ids[row]}"
        _, angles = frame_boxes(dataset, np.array([row]), width, height)
        angle = 0.0 if angles is None else float(angles[0])
        instance = Instance(box, None, name, int(self.table.category[item]), angle)
        if not self.table.supervised[item] or not (box[:2] < box[2:]).all():
            return instance
        try:
            found = segmentation(dataset, row, (width, height))
            window = decode_window(found, width=width, height=height, box=box)
        except InputError as error:
            raise InputError(f"{dataset.path}: {instance.name}: {error}") from error
        return replace(instance, mask=window.trimmed())


def _table(sources: Sequence[Source], min_side: float) -> Table:
    images = _starts([len(one.dataset.file_names) for one in sources])
    categories = _starts([len(one.dataset.categories) for one in sources])
    columns = []
    for number, source in enumerate(sources):
        dataset = source.dataset
        rows = np.flatnonzero(_usable(dataset, min_side))
        category = dataset.category_index[rows].astype(np.int64)
        supervised = dataset.has_mask[rows] & (category >= 0)
        supervised[supervised] &= source.seen[category[supervised]]
        columns.append(
            (
                np.full(len(rows), number),
                rows,
                images[number] + dataset.image_index[rows],
                np.where(category < 0, -1, categories[number] + category),
                supervised,
            )
        )
    return Table(*(np.concatenate(parts) for parts in zip(*columns, strict=True)))


def _why_no_mask(sources: Sequence[Source]) -> str:
    """Say why there is no mask to learn from."""
    paths = ", ".join(str(source.dataset.path) for source in sources)
    if not any(source.dataset.has_mask.any() for source in sources):
        return f"{paths}: no annotation has a mask; training needs some with a segmentation."
    if not any(source.seen.any() for source in sources):
        names = sorted({c.name for source in sources for c in source.dataset.categories})
        shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        return f"{paths}: none of its classes is seen; choose by --seen out of: {shown}."
    return f"{paths}: no seen class has a mask in a sound box; choose other classes by --seen."


def _usable(dataset: BoxDataset, min_side: float) -> Bits:
    """Tell which boxes can be cropped: whole records, no crowds, not too small."""
    sides = dataset.boxes[:, 2:] - dataset.boxes[:, :2]
    large = (sides >= np.where(dataset.relative, 0.0, min_side)[:, None]).all(axis=1)
    good: Bits = (dataset.faults == 0) & (dataset.image_index >= 0) & ~dataset.is_crowd & large
    return good


def _starts(counts: Sequence[int]) -> IntArray:
    return np.cumsum([0, *counts[:-1]]).astype(np.int64)


def _image_size(pixels: Pixels) -> int:
    return pixels.nbytes


def _instance_size(instance: Instance) -> int:
    return 512 + (instance.mask.bits.nbytes if instance.mask is not None else 0)
