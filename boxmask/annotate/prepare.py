"""Prepares an image: from its file to the views of its boxes. The work of a decoding thread.

Letters: n boxes of one image, in pixels, COCO convention; turned ones, and what belongs to
them, are in frames of their own (boxmask/turned.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from boxmask.annotate.hints import Hints
from boxmask.annotate.neighbours import ImageBoxes, find_neighbours
from boxmask.annotate.parts import Outcome
from boxmask.annotate.shared_images import SharedImages
from boxmask.annotate.workload import Workload
from boxmask.data import frame_boxes
from boxmask.dataset import IntArray
from boxmask.errors import ConfigError
from boxmask.faults import Candidates, ImageFault, code_of, find_faults, reason_of
from boxmask.images import Size
from boxmask.models import Cuts, ModelConfig, cut, large_boxes
from boxmask.models.cuts import coarsest, mask_frames
from boxmask.models.hints import Neighbours
from boxmask.models.zoom import ImagePyramid
from boxmask.turned import bounds_of, corners_of, part_inside, to_frame

Boxes = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]
UNKNOWN = "class that the network does not know"


@dataclass(frozen=True, eq=False)
class BoxViews:
    """Boxes of an image with views of one size, or those of its boxes that are skipped."""

    image: int
    size: tuple[int, int] | None  # (width, height), None if the image cannot be used
    rows: IntArray  # (n,) of the dataset
    boxes: Boxes  # (n, 4) clipped to the image
    clipped: npt.NDArray[np.bool_]  # (n,)
    views: Cuts | None  # None without boxes
    skipped: list[Outcome]
    frames: Boxes | None = None  # (n, 4) what window masks span, None for masks of their boxes
    clips: Boxes | None = None  # (n, 4) what such a mask may not leave
    angles: Boxes | None = None  # (n,) of the frames of turned boxes; None: all are upright
    bounds: Boxes | None = None  # (n, 4) around turned boxes: what masks span if the image is seen


def prepare_image(
    workload: Workload,
    config: ModelConfig,
    *,
    image: int,
    rows: IntArray,
    images: SharedImages | None = None,
) -> list[BoxViews]:
    """Decode an image and cut the views of some of its boxes; depends on the dataset alone.

    With `images` it is decoded once for all its batches.
    """
    sharing = rows if images is None else workload.rows_wanted(image)
    try:
        with (images or workload).opened(
            image, lambda size: _coarsest_of_rows(workload, config, sharing, size)
        ) as pixels:
            return _prepare(workload, config, pixels, image=image, rows=rows)
    except ImageFault as fault:
        detail = fault.detail.encode(errors="backslashreplace")
        skipped = [Outcome(row, fault.reason, detail) for row in rows.tolist()]
        return [_without_views(image, None, skipped)]


def _coarsest_of_rows(workload: Workload, config: ModelConfig, rows: IntArray, size: Size) -> int:
    boxes, angles = frame_boxes(workload.dataset, rows, *size)
    asked = ImageBoxes(rows, boxes, workload.dataset.category_index[rows], angles)
    return coarsest_of(config, asked, workload.hints, size)


def coarsest_of(config: ModelConfig, asked: ImageBoxes, hints: Hints | None, size: Size) -> int:
    """Return by how much an image may be reduced before the views of all its boxes are cut."""
    inside, sound = _clip(asked, *size)
    tightness = 0.0 if hints is None else hints.tightness
    return coarsest(config, inside.boxes[sound], tightness=tightness)


def _prepare(
    workload: Workload,
    config: ModelConfig,
    pixels: ImagePyramid,
    *,
    image: int,
    rows: IntArray,
) -> list[BoxViews]:
    dataset = workload.dataset
    height, width = pixels.shape[:2]
    asked, objects = (
        ImageBoxes(some, boxes, dataset.category_index[some], angles)
        for some in (rows, workload.objects(image))
        for boxes, angles in [frame_boxes(dataset, some, width, height)]
    )
    classes = None
    if config.by_class:
        classes = places_among(config, [one.name for one in dataset.categories])[asked.labels]
    return prepare_boxes(
        *(config, pixels, asked),
        objects=objects,
        hints=workload.hints,
        classes=classes,
        image=image,
    )


def prepare_boxes(
    config: ModelConfig,
    pixels: Pixels | ImagePyramid,
    asked: ImageBoxes,
    *,
    objects: ImageBoxes,
    hints: Hints | None,
    classes: IntArray | None = None,
    image: int = 0,
) -> list[BoxViews]:
    """Cut the views of n boxes of an image (H, W, 3), those of each size together.

    Who cuts more than once from an image gives it as an ImagePyramid.

    `objects` are all boxes that say where something is, asked for or not. Boxes may leave the
    image; those that boxmask.faults condemns are skipped. Networks whose masks depend on the class
    are told `classes` (n,), the places among theirs, -1 for what is none of them.
    """
    if classes is None and config.by_class:
        known = ", ".join(config.classes)
        raise ConfigError(f"this network asks what each box is; say which of these: {known}.")
    pixels = ImagePyramid.of(pixels)
    height, width = pixels.shape[:2]
    bounds, corners = asked.bounds, asked.corners
    faults = find_faults(Candidates.of_image(bounds, corners, width=width, height=height))
    if classes is not None and config.by_class:
        faults[(faults == 0) & (classes < 0)] = code_of(UNKNOWN)
    skipped = []
    for k in np.flatnonzero(faults):
        reason, detail = reason_of(faults[k]), _box_detail(bounds[k], width, height)
        if reason == UNKNOWN:
            detail = f"it knows {', '.join(config.classes)}".encode(errors="backslashreplace")
        skipped.append(Outcome(int(asked.rows[k]), reason, detail))
    sound = faults == 0
    inside, _ = _clip(asked, width, height)
    clipped = (bounds != bounds.clip(0, [width, height, width, height])).any(axis=1)
    large = large_boxes(config, inside.boxes, tightness=0.0 if hints is None else hints.tightness)
    prepared = [_without_views(image, (width, height), skipped)]
    for is_large, which in ((False, sound & ~large), (True, sound & large)):
        if which.any():
            some = inside.only(which)
            bare = BoxViews(
                *(image, (width, height), some.rows, some.boxes, clipped[which], None, []),
                angles=some.angles,
            )
            neighbours = _neighbours(config, some, objects, hints, (width, height))
            seen = _with_views(config, pixels, bare, hints, neighbours, large=is_large)
            if classes is not None and config.by_class and seen.views is not None:
                seen = replace(seen, views=replace(seen.views, labels=classes[which]))
            prepared.append(seen)
    return prepared


def places_among(config: ModelConfig, names: Sequence[str]) -> IntArray:
    """Return the place among the network's classes of each name (C,), -1 for none; behind, -1."""
    known = {name: place for place, name in enumerate(config.classes)}
    return np.array([*(known.get(name, -1) for name in names), -1], dtype=np.int64)


def _with_views(
    config: ModelConfig,
    pixels: ImagePyramid,
    asked: BoxViews,
    hints: Hints | None,
    neighbours: list[Neighbours] | None,
    *,
    large: bool,
) -> BoxViews:
    """Cut the views of boxes that all have views of one size, with their hints."""
    boxes, angles = asked.boxes, asked.angles
    if angles is not None and not config.view_per_box:
        # Whole images are not turned: masks are made for the bounds, and cut to the turned boxes.
        bounds = _bounds_inside(boxes, angles, pixels)
        return replace(asked, views=cut(config, pixels, bounds), bounds=bounds)
    if hints is None:
        return replace(asked, views=cut(config, pixels, boxes, angles=angles, large=large))
    tightness = hints.tightness
    frames = mask_frames(config, boxes, tightness=tightness)
    views = cut(
        *(config, pixels, boxes),
        angles=angles,
        tightness=tightness,
        neighbours=neighbours,
        large=large,
    )
    # A mask may leave a box that is said to be loose, and none that is said to be exact.
    return replace(asked, views=views, frames=frames, clips=frames if tightness else asked.boxes)


def _bounds_inside(boxes: Boxes, angles: Boxes, pixels: ImagePyramid) -> Boxes:
    """Return the upright boxes (n, 4) around turned ones, cut to their image."""
    height, width = pixels.shape[:2]
    bounds: Boxes = bounds_of(corners_of(boxes, angles)).clip(0, [width, height, width, height])
    return bounds


def _neighbours(
    config: ModelConfig,
    asked: ImageBoxes,
    objects: ImageBoxes,
    hints: Hints | None,
    size: tuple[int, int],
) -> list[Neighbours] | None:
    """List the neighbours of each box in its window, if the network knows of them."""
    if hints is None or not hints.neighbours:
        return None
    present, inside = _clip(objects, *size)
    windows = mask_frames(config, asked.boxes, tightness=hints.tightness)
    return find_neighbours(asked, present.only(inside), windows)


def _clip(placed: ImageBoxes, width: int, height: int) -> tuple[ImageBoxes, npt.NDArray[np.bool_]]:
    """Cut boxes to their image, and tell which have an area there (n,)."""
    whole = np.array([0, 0, width, height], np.float64)
    inside: Boxes = placed.boxes.clip(0, whole[[2, 3, 2, 3]])
    corners = placed.corners
    if placed.angles is not None and corners is not None:
        for k in np.flatnonzero(placed.angles):
            inside[k] = placed.boxes[k]
            part = part_inside(corners[k], whole)
            # What is left of a turned box is the smallest one around it in the same frame.
            if not np.array_equal(part, corners[k]):
                within = to_frame(part, placed.angles[k])[None]
                inside[k] = bounds_of(within)[0] if len(part) else 0
    return placed._replace(boxes=inside), _have_area(inside)


def _have_area(boxes: Boxes) -> npt.NDArray[np.bool_]:
    """Tell which boxes (n, 4) have an area (n,)."""
    return (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])


def _box_detail(box: Boxes, width: int, height: int) -> bytes:
    """Tell where a box (4,) lies and how large its image is."""
    sides = ", ".join(f"{side:g}" for side in box.tolist())
    return f"it spans {sides}, the image is {width} x {height}".encode()


def _without_views(image: int, size: tuple[int, int] | None, outcomes: list[Outcome]) -> BoxViews:
    none = np.zeros((0, 4))
    rows = np.zeros(0, dtype=np.int64)
    return BoxViews(image, size, rows, none, none[:, 0].astype(np.bool_), None, outcomes)
