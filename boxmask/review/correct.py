"""A box and clicks become a mask: the network looks at the box, and the clicks move what it says.

Letters: H W the image, M the side of a square grid over what the network saw, P clicks. Boxes are
x0, y0, x1, y1 in pixels of the upright image, COCO convention.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from boxmask.annotate.encode import PastedMask
from boxmask.annotate.hints import Hints
from boxmask.annotate.neighbours import ImageBoxes
from boxmask.annotate.prepare import BoxViews, places_among, prepare_boxes
from boxmask.annotate.runtime import choose_runtime, load_network
from boxmask.bundled import BUNDLED, find_weights
from boxmask.errors import InputError
from boxmask.geometry import paste_frame_runs, paste_runs
from boxmask.models.device import choose_device, choose_precision
from boxmask.models.prediction import Network, to_numpy
from boxmask.models.zoom import cut_boxes
from boxmask.overlay import Pixels
from boxmask.review.clicks import Cells, Grid, Point, moved_by_clicks, obey
from boxmask.rle import IntArray, bounding_box, runs, runs_window
from boxmask.window import Window

Floats = npt.NDArray[np.float64]
Move = Callable[[Grid, Cells, Sequence[Point]], Cells]

_KEPT = 64  # looks of the network that are remembered
_NEVER = np.float32(-8)  # the logit of what may not be in the mask
_MARGIN = 0.05  # what a box grows beyond a click, in its sides
_LEAST_MARGIN = 2.0  # pixels


@dataclass(frozen=True, eq=False)
class _Look:
    """What the network says of a box."""

    grid: Grid
    clip: Floats  # (4,) what a mask may not leave
    framed: bool  # whether the grid's values hold at the middles of cells, not at corners
    quality: float  # the expected IoU

    @property
    def logits(self) -> Cells:
        """What the network says in each cell (M, M)."""
        return self.grid.logits

    def clipped(self, logits: Cells) -> Cells:
        """Return logits (M, M) that say no wherever the mask may not be."""
        x0, y0, x1, y1 = self.grid.frame.tolist()
        middles = (np.arange(len(logits)) + 0.5) / len(logits)
        across, down = x0 + (x1 - x0) * middles, y0 + (y1 - y0) * middles
        inside = ((down >= self.clip[1]) & (down <= self.clip[3]))[:, None] & (
            (across >= self.clip[0]) & (across <= self.clip[2])
        )
        return np.where(inside, logits, np.minimum(logits, _NEVER))

    @property
    def cell(self) -> float:
        """The longer side of a cell in pixels."""
        frame = self.grid.frame
        return float((frame[2:] - frame[:2]).max()) / len(self.logits)


class _Asked(NamedTuple):
    box: Floats  # (4,)
    others: Floats  # (K, 4)
    kinds: npt.NDArray[np.int32]  # (K,) 0: that of the box
    classes: IntArray  # (1,) of the box, among those of a network whose masks depend on it


class Corrector:
    """A network that makes masks of boxes and clicks; safe to call from many threads."""

    def __init__(self, network: Network, *, move: Move = moved_by_clicks) -> None:
        self._network = network
        self._move = move  # how clicks move logits
        self._lock = threading.Lock()
        self._looks: OrderedDict[Hashable, _Look] = OrderedDict()

    @classmethod
    def load(cls, weights: Path | None = None) -> "Corrector":
        """Load a weights file, or the bundled model, onto the device that there is."""
        device = choose_device("auto")
        precision = choose_precision("auto", device)
        path = find_weights(weights or BUNDLED)
        runtime = choose_runtime("auto", path, device=device, precision=precision)
        return cls(load_network(path, device=device, precision=precision, runtime=runtime))

    def correct(
        self,
        pixels: Pixels,
        box: npt.ArrayLike,
        points: Sequence[Point] = (),
        *,
        before: Window | None = None,
        others: npt.ArrayLike | None = None,
        alike: npt.ArrayLike | None = None,
        category: str = "",
        key: Hashable = None,
    ) -> PastedMask:
        """Mask a box of an image (H, W, 3) so that every click is on its side of the outline.

        The box grows to hold the clicks that are inside. `before` is the mask that the clicks are
        about: where they do not reach, it stays. `others` (K, 4) are the other boxes of the image,
        `alike` (K,) tells which of them name the same kind of thing; None: all do. Networks whose
        masks depend on the class need its `category`. With a `key` that names the image, the
        network looks only once at a box.
        """
        height, width = pixels.shape[:2]
        sides = _grown(_checked_box(box, width, height), points, width, height)
        around = np.zeros((0, 4)) if others is None else np.asarray(others, np.float64)
        kinds = np.zeros(len(around), np.int32)
        if alike is not None:
            kinds += ~np.asarray(alike, np.bool_)
        asked = _Asked(sides, around.reshape(-1, 4), kinds, self._class_of(category))
        look = self._look(pixels, asked, key)
        return self._pasted(look, points, before, width, height)

    def _class_of(self, category: str) -> IntArray:
        """Return the place (1,) of a category among the network's classes, if it asks for that."""
        config = self._network.config
        if not config.by_class:
            return np.zeros(1, np.int64)
        if category not in config.classes:
            whose = f"it is {category!r}" if category else "a new box has none yet"
            known = ", ".join(config.classes)
            raise InputError(f"the network masks boxes of its classes, {known}; {whose}. Paint it.")
        return places_among(config, [category])[:1]

    def _look(self, pixels: Pixels, asked: _Asked, key: Hashable) -> _Look:
        name = (key, *(part.tobytes() for part in asked))
        with self._lock:
            look = self._looks.get(name) if key is not None else None
            if look is None:
                look = self._ask(pixels, asked)
                if key is not None:
                    self._looks[name] = look
                while len(self._looks) > _KEPT:
                    self._looks.popitem(last=False)
            return look

    def _ask(self, pixels: Pixels, asked: _Asked) -> _Look:
        config = self._network.config
        hints = Hints(0.0, neighbours=True) if config.window_masks else None
        boxes = np.vstack([asked.box, asked.others])
        every = ImageBoxes(np.arange(len(boxes)), boxes, np.r_[np.int32(0), asked.kinds])
        one = ImageBoxes(every.rows[:1], boxes[:1], every.labels[:1])
        prepared = prepare_boxes(
            config, pixels, one, objects=every, hints=hints, classes=asked.classes
        )
        for views in prepared:
            for skipped in views.skipped:
                raise InputError(f"the box: {skipped.reason}: {skipped.fragment.decode()}")
        (cut,) = (views for views in prepared if views.views is not None)
        assert cut.views is not None
        probabilities, quality = to_numpy(self._network.predict(cut.views, chunk=1))
        return _look_of(pixels, cut, probabilities[0], float(quality[0]))

    def _pasted(
        self, look: _Look, points: Sequence[Point], before: Window | None, width: int, height: int
    ) -> PastedMask:
        counts = _counts(look, look.logits, width, height)
        if points:
            logits = look.logits if before is None else look.grid.agreeing(before)
            clipped = look.clipped(logits)
            moved = logits + self._move(look.grid, clipped, points) - clipped
            unmoved = None if before is None else _counts(look, logits, width, height)
            changed = _Change(_counts(look, moved, width, height), unmoved, before)
            clicked = _clicked(look, changed, points, width, height)
            counts = counts if clicked is None else clicked
        x, y, w, h = bounding_box(counts, height=height)
        region = (float(x), float(y), float(x + w), float(y + h))
        return PastedMask(0, counts, region, width, height, look.quality, clipped=False)


def _look_of(
    pixels: Pixels, cut: BoxViews, probability: npt.NDArray[np.float32], quality: float
) -> _Look:
    sure = np.clip(probability, 1e-6, 1 - 1e-6)
    framed = cut.frames is not None and cut.clips is not None
    frame = cut.frames[0] if cut.frames is not None else cut.boxes[0]
    clip = cut.clips[0] if cut.clips is not None else cut.boxes[0]
    logits = np.log(sure / (1 - sure)).astype(np.float32)
    grid = Grid(logits, _colours(pixels, frame, len(logits)), frame)
    return _Look(grid, clip, framed, quality)


def _colours(pixels: Pixels, frame: Floats, side: int) -> Cells:
    """Return the colours (M, M, 3) at the middles of a frame's cells."""
    views, _ = cut_boxes(pixels, frame[None], frame[None], side=side)
    colours: Cells = views[0].astype(np.float32) / 255
    return colours


class _Change(NamedTuple):
    moved: IntArray  # runs with the clicks
    unmoved: IntArray | None  # and without, where there was a mask before
    before: Window | None


def _counts(look: _Look, logits: Cells, width: int, height: int) -> IntArray:
    """Paste logits (M, M) as runs of the image."""
    probability = (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.float32)
    if look.framed:
        frame, clip = look.grid.frame, look.clip
        return paste_frame_runs(probability, frame, clip=clip, width=width, height=height)
    return paste_runs(probability, look.clip, width=width, height=height)


def _clicked(
    look: _Look, change: _Change, points: Sequence[Point], width: int, height: int
) -> IntArray | None:
    """Put what clicks have changed into the mask before, pixel by pixel; None if nothing is left.

    Without a mask before, all that was moved counts.
    """
    region = _reached(look.clip, points, change.before)
    mask = runs_window(change.moved, width=width, height=height, box=region)
    if change.before is not None and change.unmoved is not None:
        unmoved = runs_window(change.unmoved, width=width, height=height, box=region).bits
        held = mask.overlap(change.before) | (mask.bits & ~unmoved)
        mask = Window(mask.x, mask.y, held & ~(unmoved & ~mask.bits))
    obey(mask, points, radius=look.cell / 2)
    return runs(mask, width=width, height=height) if mask.bits.any() else None


def _reached(clip: Floats, points: Sequence[Point], before: Window | None) -> Floats:
    """Return the box (4,) that holds all that may change or be held."""
    corners = [clip, *(np.array([p.x, p.y, p.x, p.y]) for p in points)]
    if before is not None:
        corners.append(before.box())
    every = np.array(corners)
    return np.concatenate([every[:, :2].min(axis=0), every[:, 2:].max(axis=0)])


def _checked_box(box: npt.ArrayLike, width: int, height: int) -> Floats:
    """Return the part of a box (4,) inside its image; InputError if there is none."""
    try:
        sides = np.asarray(box, np.float64)
    except (TypeError, ValueError):
        sides = np.zeros(0)
    if sides.shape != (4,) or not np.isfinite(sides).all():
        raise InputError(f"the box is {box!r}; give x0, y0, x1, y1 in pixels.")
    inside: Floats = sides.clip(0, [width, height, width, height])
    if (inside[2:] <= inside[:2]).any():
        raise InputError(
            f"the box {sides.tolist()} has no area in its image of {width} x {height} pixels."
        )
    return inside


def _grown(box: Floats, points: Sequence[Point], width: int, height: int) -> Floats:
    """Grow a box (4,) until it holds the clicks that are inside, and a little around them."""
    for x, y, _ in points:
        if not (0 <= x < width and 0 <= y < height):
            raise InputError(f"a click at {x}, {y} is not in the image, {width} x {height} pixels.")
    inner = np.array([(x, y) for x, y, inside in points if inside]).reshape(-1, 2)
    beyond = ((inner < box[:2]) | (inner > box[2:])).any(axis=1)
    if not beyond.any():
        return box
    margin = np.maximum(_MARGIN * (box[2:] - box[:2]), _LEAST_MARGIN)
    low = np.minimum(box[:2], inner[beyond].min(axis=0) - margin)
    high = np.maximum(box[2:], inner[beyond].max(axis=0) + margin)
    return np.concatenate([low.clip(0), np.minimum(high, [width, height])])
