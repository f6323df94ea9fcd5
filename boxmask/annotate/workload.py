"""The work of a run: a job, its dataset, and what is to become of each box.

Letters: N boxes of the dataset, I images, K boxes of one image.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import numpy.typing as npt

from boxmask.annotate.events import READ, Event, OnEvent
from boxmask.annotate.exports import check_exports
from boxmask.annotate.hints import Hints
from boxmask.annotate.job import AnnotateJob, Rectangles, resolve_weights
from boxmask.annotate.plan import Shard
from boxmask.annotate.runtime import OPENVINO, TORCH, load_network
from boxmask.annotate.sending import check_export_places
from boxmask.cores import network_threads
from boxmask.data import read
from boxmask.dataset import BoxDataset, IntArray
from boxmask.images import Coarsest, Size, image_size, opened_image, relative_name
from boxmask.images.turns import AT_ONCE, Turns
from boxmask.mark import Status
from boxmask.models.prediction import Network
from boxmask.models.zoom import ImagePyramid
from boxmask.remote import Folder, Url
from boxmask.subset import Subset

hold_pixels = Turns(AT_ONCE).hold  # of all threads of the process


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a job reads, and where its network runs; each is read when first needed, and once."""

    job: AnnotateJob
    device: str
    precision: str
    on_event: OnEvent
    threads_before: int = 0  # of the network, when the work was begun
    runtime: str = TORCH

    @cached_property
    def dataset(self) -> BoxDataset:
        """The boxes, once it is sure that what is made of them can be exported."""
        self.on_event(Event(READ, 0, 1))
        options = self.job.reading
        strict = self.job.strict or options.strict
        local = self.job.images if isinstance(self.job.images, Path) else None
        options = replace(options, strict=strict, images=local)
        dataset = read(self.job.boxes, options)
        self.on_event(Event(READ, 1, 1))
        dataset = _with_relative_names(dataset, self.job.images)
        check_exports(self.job, dataset)
        check_export_places(self.job, dataset)
        return dataset

    @cached_property
    def network(self) -> Network:
        """The network on its device."""
        return load_network(
            resolve_weights(self.job),
            device=self.device,
            precision=self.precision,
            runtime=self.runtime,
            threads=self.threads,
        )

    def warm_up(self) -> None:
        """Have the network compiled while boxes are read, if it will be asked in this process."""
        here = self.job.engine == "local" and self.job.workers == 1
        if self.runtime == OPENVINO and (here or self.job.tightness == "auto"):
            _ = self.network

    @cached_property
    def threads(self) -> int:
        """How many CPU threads the network has; a run goes on with those that it was begun with."""
        if self.job.threads or self.threads_before:
            return self.job.threads or self.threads_before
        # What a machine of a cluster has idle is not known here: it gets a network a core.
        return 1 if self.job.engine == "ray" else network_threads(self.job.workers)


@dataclass(frozen=True, eq=False)
class Workload:
    """A job, its dataset of N rows, and what is to become of each."""

    job: AnnotateJob
    hints: Hints | None  # what the network knows of the boxes, None if it cannot be
    dataset: BoxDataset
    status: npt.NDArray[np.uint8]  # (N,) codes of Status; OK means that a mask is wanted

    @property
    def tightness(self) -> float:
        """What the network knows of how loose the boxes are; 0 where it cannot be told."""
        return 0.0 if self.hints is None else self.hints.tightness

    @property
    def wanted_by_image(self) -> IntArray:
        """Count the boxes of each image (I,) that want a mask."""
        images = self.dataset.image_index[self.status == Status.OK.code]
        return np.bincount(images, minlength=len(self.dataset.image_ids)).astype(np.int64)

    @property
    def rectangles(self) -> int:
        """Count the segmentations that are just their box and want a mask in their place."""
        return int((self.dataset.is_rectangle & (self.status == Status.OK.code)).sum())

    def rows_to_predict(
        self, shard: Shard, *, at_once: int | None
    ) -> Iterator[tuple[int, IntArray]]:
        """Yield the images of a shard with the rows that want a mask, `at_once` at most."""
        for image in range(shard.first, shard.stop):
            rows = self.rows_wanted(image)
            yield from ((image, some) for some in split_rows(rows, at_once=at_once))

    def rows_wanted(self, image: int) -> IntArray:
        """Return the rows of an image (K,) that want a mask."""
        rows = self.rows_of(image, image + 1)
        wanted: IntArray = rows[self.status[rows] == Status.OK.code]
        return wanted

    def objects(self, image: int) -> IntArray:
        """Return the rows of an image (K,) that say where an object is, wanted or not."""
        rows = self.rows_of(image, image + 1)
        usable = (self.dataset.faults[rows] == 0) & ~self.dataset.is_crowd[rows]
        objects: IntArray = rows[usable]
        return objects

    @contextmanager
    def opened(
        self,
        image: int,
        coarsest: Coarsest = lambda size: 1,
        hold: Callable[[int], AbstractContextManager[None]] = hold_pixels,
    ) -> Iterator[ImagePyramid]:
        """Decode an image as (H, W, 3) RGB; raise ImageFault where that cannot be done.

        A large one is decoded reduced, where `coarsest` lets it. While large images are in use,
        other threads wait in `hold`: the pixels are to be let go with the block.
        """
        with opened_image(**self._image(image)) as opened:
            width, height = opened.size
            reduced = opened.reduce(coarsest) if self.job.decode == "auto" else 1
            with hold(width * height // reduced**2):
                yield ImagePyramid(opened.pixels(), reduced=reduced, shape=(height, width, 3))

    def image_size(self, image: int) -> Size:
        """Return an image's (width, height) by its header; raise ImageFault if it is not usable."""
        return image_size(**self._image(image))

    def _image(self, image: int) -> dict[str, Any]:
        dataset, job = self.dataset, self.job
        return {
            "folder": job.images,
            "file_name": dataset.file_names[image],
            "width": int(dataset.widths[image]),
            "height": int(dataset.heights[image]),
            "exif": job.exif,
            "rotated_if_unsized": dataset.rotated_if_unsized,
            "max_pixels": job.max_pixels,
        }

    def rows_of(self, first: int, stop: int) -> IntArray:
        """Return the rows of the images [first, stop), image by image."""
        order, starts = self._by_image
        rows: IntArray = order[starts[first] : starts[stop]]
        return rows

    @cached_property
    def _by_image(self) -> tuple[IntArray, IntArray]:
        return self.dataset.rows_by_image()


def _with_relative_names(dataset: BoxDataset, images: Folder) -> BoxDataset:
    """Cut the image folder off the names that are full paths into it, as exports need it."""
    names = dataset.file_names
    if isinstance(images, Url):
        full = {place for place, name in enumerate(names) if images.below(name) is not None}
    else:
        full = {place for place, name in enumerate(names) if PurePath(name).is_absolute()}
    if not full:
        return dataset
    relative = (
        (relative_name(name, images) or name) if place in full else name
        for place, name in enumerate(names)
    )
    return replace(dataset, file_names=tuple(relative))


def open_workload(inputs: Inputs, hints: Hints | None) -> Workload:
    """Read the dataset of a job and decide what is to become of each box."""
    dataset = inputs.dataset
    job = inputs.job
    status = initial_status(
        dataset, overwrite=job.overwrite, rectangles=job.rectangles, subset=job.subset
    )
    return Workload(inputs.job, hints, dataset, status)


def initial_status(
    dataset: BoxDataset, *, overwrite: bool, rectangles: Rectangles, subset: Subset
) -> npt.NDArray[np.uint8]:
    """Return the code of each row's status (N,), as far as the dataset alone tells.

    Crowds and masks that are there already are left alone, whatever else is wrong with them,
    and so is all that is not in the subset.
    """
    status = np.where(dataset.faults != 0, Status.SKIPPED.code, Status.OK.code).astype(np.uint8)
    if not overwrite:
        kept = dataset.has_mask & ~replaced_rectangles(dataset, rectangles)
        status[kept] = Status.KEPT.code
        # The same weights would make the mask that a person did not want.
        status[dataset.is_rejected & ~dataset.has_mask] = Status.REJECTED.code
    status[dataset.is_crowd] = Status.CROWD.code
    if subset:
        status[~subset.rows(dataset)] = Status.LEFT.code
    return status


def replaced_rectangles(dataset: BoxDataset, rectangles: Rectangles) -> npt.NDArray[np.bool_]:
    """Tell which segmentations (N,) are just their box and are to be replaced by a mask."""
    ours: npt.NDArray[np.bool_] = dataset.is_rectangle & ~dataset.is_crowd & (dataset.faults == 0)
    masks = dataset.has_mask & ~dataset.is_crowd
    if rectangles == "keep" or (rectangles == "auto" and 2 * ours.sum() < masks.sum()):
        return np.zeros(len(ours), np.bool_)
    return ours


def split_rows(rows: IntArray, *, at_once: int | None) -> Iterator[IntArray]:
    """Cut rows (n,) into runs of `at_once`; None leaves them together."""
    step = at_once or max(len(rows), 1)
    return (rows[first : first + step] for first in range(0, len(rows), step))
