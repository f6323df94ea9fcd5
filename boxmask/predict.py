"""The network as a Python function: boxes of one picture in, masks out, as `annotate` makes them.

Letters: N boxes, H W the picture. Boxes are (x0, y0, x1, y1) in pixels of the picture, COCO
convention: [0, 0, 1, 1] covers exactly the first pixel; turned ones are four corners x, y in order.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from boxmask.annotate.batches import Batching, predict_in_batches
from boxmask.annotate.encode import paste_masks
from boxmask.annotate.hints import Hints, cannot_take_hints
from boxmask.annotate.job import MAX_TIGHTNESS, AnnotateJob, Precision, Runtime
from boxmask.annotate.neighbours import ImageBoxes
from boxmask.annotate.prepare import BoxViews, coarsest_of, places_among, prepare_boxes
from boxmask.annotate.runtime import choose_runtime, load_network
from boxmask.annotate.workload import split_rows
from boxmask.bundled import BUNDLED, find_weights
from boxmask.errors import ConfigError, InputError
from boxmask.images import Coarsest, Exif, image_pixels, opened_image
from boxmask.models.device import choose_device, choose_precision
from boxmask.models.prediction import MaskPrediction, Network
from boxmask.models.zoom import ImagePyramid
from boxmask.predicted import PredictedMasks
from boxmask.turned import (
    FARTHEST,
    LEAST_FILLED,
    are_flat,
    bounds_of,
    is_upright,
    own_frames,
    shares_filled,
)

Pixels = npt.NDArray[np.uint8]
Corners = npt.NDArray[np.float64]
ADVICE = "give x0, y0, x1, y1 of each, corners in pixels"
TURNED_ADVICE = "give x, y of its four corners, in order round it"
Picture = str | os.PathLike[str] | Image.Image | Pixels


def load(
    weights: str | os.PathLike[str] | None = None,
    *,
    device: str = "auto",
    precision: Precision = "auto",
    runtime: Runtime = "auto",
) -> "Predictor":
    """Load a weights file, or the bundled model, onto a device: CUDA or MPS where there is one.

    >>> predict = boxmask.load(device="cpu")
    >>> len(predict("photo.jpg", [[134, 86, 203, 147], [295, 110, 342, 163]]))
    2
    """
    for name, value, choices in (
        ("precision", precision, get_args(Precision)),
        ("runtime", runtime, get_args(Runtime)),
    ):
        if value not in choices:
            raise ConfigError(f"{name} is {value!r}; known: {', '.join(choices)}.")
    path = BUNDLED if weights is None else find_weights(Path(weights))
    chosen = choose_device(device)
    exact = choose_precision(precision, chosen)
    by = choose_runtime(runtime, path, device=chosen, precision=exact)
    network = load_network(path, device=chosen, precision=exact, runtime=by)
    return Predictor(network, path)


class Predictor:
    """A network that is ready to be called; `boxmask.load` makes one.

    >>> predict = boxmask.load()
    >>> boxes = [[134, 86, 203, 147], [295, 110, 342, 163]]
    >>> found = predict("photo.jpg", boxes, labels=["eye", "eye"], flip=True)
    >>> found.expected_iou.shape
    (2,)
    """

    def __init__(self, network: Network, weights: Path) -> None:
        self._network = network
        self._weights = weights

    def __call__(
        self,
        image: Picture,
        boxes: npt.ArrayLike,
        *,
        labels: Iterable[object] | None = None,
        tightness: float = 0.0,
        neighbours: bool = True,
        flip: bool = False,
        exif: Exif = "auto",
    ) -> PredictedMasks:
        """Mask the boxes (N, 4) of a picture: a path, a PIL image, or uint8 (H, W, 3) RGB.

        Where boxes are turned, give the corners of all, (N, 4, 2), in order round each. `labels`
        (N,) say which boxes name the same kind of thing; None: all do. `tightness` is the expected
        error of a box's sides, in sides of the box. With `neighbours`, the network is told of the
        other boxes. `flip` asks it twice, once mirrored. Pictures are used as stored, unless `exif`
        is "rotated".
        """
        (width, height), batches = self.predict(
            image,
            boxes,
            labels=labels,
            tightness=tightness,
            neighbours=neighbours,
            flip=flip,
            exif=exif,
        )
        masks = [mask for batch in batches for mask in paste_masks(*batch)]
        return PredictedMasks(width, height, tuple(sorted(masks, key=lambda mask: mask.row)))

    def predict(
        self,
        image: Picture,
        boxes: npt.ArrayLike,
        *,
        labels: Iterable[object] | None = None,
        tightness: float = 0.0,
        neighbours: bool = True,
        flip: bool = False,
        exif: Exif = "auto",
    ) -> tuple[tuple[int, int], Iterator[tuple[list[BoxViews], MaskPrediction]]]:
        """Return the picture's width and height, and probabilities before masks are pasted.

        They come in batches of views, as `paste_masks` takes them; all else is as in a call.
        """
        hints = self._hints(tightness, neighbours)
        labels = labels if labels is None else list(labels)
        placed = placed_boxes(boxes, labels)
        config = self._network.config
        pyramid = pyramid_of(image, exif, lambda size: coarsest_of(config, placed, hints, size))
        batching = Batching(AnnotateJob.batch_images, AnnotateJob.batch_boxes, flip=flip)
        names = None if labels is None else [str(label) for label in labels]
        prepared = self._prepare(pyramid, placed, hints, batching, names)
        height, width = pyramid.shape[:2]
        return (width, height), predict_in_batches(self._network, prepared, batching)

    def _hints(self, tightness: float, neighbours: bool) -> Hints | None:
        if not 0 <= tightness <= MAX_TIGHTNESS:
            raise ConfigError(f"tightness is {tightness}; give a number from 0 to {MAX_TIGHTNESS}.")
        if self._network.config.window_masks:
            return Hints(float(tightness), bool(neighbours))
        if tightness:
            raise cannot_take_hints(self._weights, "tightness", str(tightness))
        return None

    def _prepare(
        self,
        pyramid: ImagePyramid,
        placed: ImageBoxes,
        hints: Hints | None,
        batching: Batching,
        names: list[str] | None,
    ) -> Iterator[BoxViews]:
        config = self._network.config
        for some in split_rows(placed.rows, at_once=batching.max_rows(config)):
            asked = placed.only(some)
            classes = None if names is None else places_among(config, names)[some]
            for views in prepare_boxes(
                config, pyramid, asked, objects=placed, hints=hints, classes=classes
            ):
                for skipped in views.skipped:
                    detail = skipped.fragment.decode()
                    raise InputError(f"boxes[{skipped.row}]: {skipped.reason}: {detail}")
                yield views


def placed_boxes(boxes: npt.ArrayLike, labels: Iterable[object] | None) -> ImageBoxes:
    """Check boxes (N, 4), or corners (N, 4, 2) of turned ones, and number them and their labels."""
    try:
        given = np.asarray(boxes, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"boxes are not a table of numbers ({error}); {ADVICE}") from error
    given = given if given.size else given.reshape(0, 4)
    if given.shape[1:] not in ((4,), (4, 2)):
        raise InputError(
            f"boxes have the shape {given.shape}, not (N, 4); {ADVICE}, or where boxes are turned "
            "four corners of each, (N, 4, 2)"
        )
    if given.ndim == 3:
        return _placed_corners(given, _numbered(labels, len(given)))
    _raise_first(given, ~np.isfinite(given).all(axis=1), "is not finite", ADVICE)
    _raise_first(given, (given[:, 2:] <= given[:, :2]).any(axis=1), "has no area", ADVICE)
    return ImageBoxes(np.arange(len(given)), given, _numbered(labels, len(given)))


def _placed_corners(corners: Corners, labels: npt.NDArray[np.int32]) -> ImageBoxes:
    """Check the corners (N, 4, 2) of boxes, which are turned or not."""
    near = np.abs(corners) <= FARTHEST
    _raise_first(corners, ~near.all(axis=(1, 2)), "is not finite", TURNED_ADVICE)
    _raise_first(corners, are_flat(corners), "has no area", TURNED_ADVICE)
    wrong = shares_filled(corners) < LEAST_FILLED
    _raise_first(corners, wrong, "is no rectangle", TURNED_ADVICE)
    boxes, angles = own_frames(corners)
    upright = is_upright(corners)
    boxes[upright], angles[upright] = bounds_of(corners[upright]), 0
    return ImageBoxes(np.arange(len(boxes)), boxes, labels, angles if angles.any() else None)


def _raise_first(boxes: Corners, wrong: npt.ArrayLike, why: str, advice: str) -> None:
    """Raise InputError for the first box (N,) that something is wrong with."""
    for place in np.flatnonzero(wrong)[:1].tolist():
        raise InputError(f"boxes[{place}] {why}: {boxes[place].tolist()}; {advice}")


def _numbered(labels: Iterable[object] | None, count: int) -> npt.NDArray[np.int32]:
    """Number labels of any kind (N,) in the order in which they come up."""
    if labels is None:
        return np.zeros(count, np.int32)
    names = list(labels.tolist() if hasattr(labels, "tolist") else labels)
    if len(names) != count:
        raise InputError(f"{len(names)} labels for {count} boxes; give one for each, or None")
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int32)


def pyramid_of(image: Picture, exif: Exif, coarsest: Coarsest) -> ImagePyramid:
    """Return a picture as RGB pixels (H, W, 3); a large file reduced as `annotate` has it."""
    if exif not in get_args(Exif):
        raise ConfigError(f"exif is {exif!r}; known: {', '.join(get_args(Exif))}.")
    if isinstance(image, Image.Image):
        return ImagePyramid(image_pixels(image, exif=exif))
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise InputError(
                f"the image is an array of {image.dtype} {image.shape}; give uint8 (H, W, 3), RGB"
            )
        return ImagePyramid(np.ascontiguousarray(image))
    path = Path(image)
    most = AnnotateJob.max_pixels
    with opened_image(path.parent, path.name, exif=exif, max_pixels=most) as opened:
        width, height = opened.size
        reduced = opened.reduce(coarsest)
        return ImagePyramid(opened.pixels(), reduced=reduced, shape=(height, width, 3))
