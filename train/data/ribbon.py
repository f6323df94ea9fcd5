"""Ribbons: middle lines with a width, painted as round or flat matter that may cross itself.

Shapes: N places along the ribbons of a layer, T places across, H W a canvas that is two or three
times as fine as the cut-out h w. Every place is written to its pixel in the order of the line, so
what comes later lies above; no pixel is visited that is not the ribbon's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from boxmask.train.data.scene import Pixels

Random = np.random.Generator
Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.float32]
Index = npt.NDArray[np.intp]
Order = npt.NDArray[np.int32]

_THICK = 3.0  # half of a width in pixels from which edges need less care
_STEP = 0.65  # canvas pixels between places: below 1, for bends are wider outside
LEVELS = 128  # of light; a ramp holds two colours of so many
_UNEVEN = 60.0  # canvas pixels over which the light varies
_SHADE = 0.55  # light that is left where another part lies close above
_NEVER = np.iinfo(np.int32).min


@dataclass(frozen=True, eq=False)
class Ribbon:
    """A middle line (n, 2), x and y, and half the width at each of its points (n,), pixels."""

    points: Floats
    half: Floats
    closed: bool = False  # the ends meet, so they are not rounded


@dataclass(frozen=True, eq=False)
class Look:
    """What a ribbon is made of."""

    colour: Floats  # (3,) 0..255
    other: Floats  # (3,) of every second band
    light: Floats  # (3,) where it comes from: x, y, and towards the camera
    gloss: float = 0.3  # white at the brightest place across, 0..1
    rough: float = 0.1  # how much the light varies along
    bands: float = 0.0  # length of a band in widths; 0 is a plain ribbon
    twist: float = 0.0  # how far a band lies ahead at one side, in bands; 0 is straight across
    flat: bool = False  # a strip, not a cylinder


@dataclass(frozen=True, eq=False)
class Layer:
    """Ribbons of one look; shaded where they cross, unless they are one piece."""

    ribbons: Sequence[Ribbon]
    look: Look
    crossing: bool = True


@dataclass(frozen=True, eq=False)
class Canvas:
    """Fine pixels (H*W,): red, green, blue, alpha in 32 bits, and which place each shows."""

    corner: Floats  # (2,) of the cut-out, in its pixels
    fine: int  # canvas pixels in a pixel
    width: int
    height: int
    pixels: npt.NDArray[np.uint32]
    order: Order

    def beside(self, samples: "Samples", offset: Places) -> Index:
        """Return the pixels (N, T) that lie so far beside places; they are on the canvas."""
        x, y = (
            samples.points[:, axis, None] + samples.normals[:, axis, None] * offset
            for axis in (0, 1)
        )
        np.floor(y, out=y)
        y *= self.width  # exact: a canvas has fewer pixels than 2**24
        y += np.floor(x, out=x)
        return y.astype(np.intp)


@dataclass(frozen=True, eq=False)
class Samples:
    """Places on middle lines, in canvas pixels."""

    points: Places  # (N, 2)
    normals: Places  # (N, 2)
    half: Places  # (N,)
    along: Places  # (N,)
    order: Order  # (N,)


def paint(layers: Sequence[Layer], random: Random) -> tuple[Pixels, npt.NDArray[np.uint8]]:
    """Return the image (h, w, 3) and alpha (h, w) of ribbons, the last layer above."""
    canvas = _canvas(layers)
    first = 0
    for layer in layers:
        samples = _samples(layer.ribbons, canvas, first)
        _fill(canvas, samples, layer.look, random)
        if layer.crossing:
            _shade(canvas, samples)
        first = int(samples.order[-1]) + _apart(samples)
    fine = Image.frombuffer(
        "RGBX", (canvas.width, canvas.height), canvas.pixels.tobytes(), "raw", "RGBX", 0, 1
    )
    pixels = np.asarray(fine.reduce(canvas.fine))
    return pixels[..., :3].copy(), pixels[..., 3].copy()


def _canvas(layers: Sequence[Layer]) -> Canvas:
    """Make cache_bytes for all layers; what no ribbon covers has the first one's colour, unseen."""
    ribbons = [ribbon for layer in layers for ribbon in layer.ribbons]
    points = np.concatenate([ribbon.points for ribbon in ribbons])
    half = np.concatenate([ribbon.half for ribbon in ribbons])
    fine = 2 if half.max() > _THICK else 3
    reach = half[:, None] + 3  # and the shade beside it
    corner = np.floor((points - reach).min(axis=0))
    width, height = (np.ceil((points + reach).max(axis=0) - corner).astype(int) * fine).tolist()
    unseen = np.zeros(4, np.uint8)
    unseen[:3] = layers[0].look.colour
    pixels = np.full(width * height, unseen.view(np.uint32)[0])
    order = np.full(width * height, _NEVER, np.int32)
    return Canvas(corner, fine, width, height, pixels, order)


def _samples(ribbons: Sequence[Ribbon], canvas: Canvas, first: int) -> Samples:
    """Walk all ribbons, one after another, in even steps."""
    points = (np.concatenate([ribbon.points for ribbon in ribbons]) - canvas.corner) * canvas.fine
    half = np.concatenate([ribbon.half for ribbon in ribbons]) * canvas.fine
    ends = np.cumsum([len(ribbon.points) for ribbon in ribbons])
    moves = np.diff(points, axis=0)
    moves[ends[:-1] - 1] = 0  # from one ribbon to the next is no way
    far = np.concatenate([[0.0], np.cumsum(np.hypot(moves[:, 0], moves[:, 1]))])
    along = np.arange(0, far[-1] + _STEP, _STEP)
    towards = np.zeros_like(points)
    towards[:-1] += moves
    towards[1:] += moves
    towards /= np.maximum(np.hypot(towards[:, 0], towards[:, 1]), 1e-9)[:, None]
    x, y, dx, dy, width = (
        np.interp(along, far, values).astype(np.float32) for values in (*points.T, *towards.T, half)
    )
    ribbon = np.minimum(np.searchsorted(far[ends - 1], along), len(ribbons) - 1)
    starts = far[np.concatenate([[0], ends[:-1]])]
    near = np.minimum(along - starts[ribbon], far[ends - 1][ribbon] - along)
    near[np.array([one.closed for one in ribbons])[ribbon]] = np.inf
    cap = np.clip(near / np.maximum(width, 1), 0, 1)
    samples = Samples(
        np.column_stack([x, y]),
        np.column_stack([-dy, dx]),
        width * np.sqrt(cap * (2 - cap)).astype(np.float32),
        along.astype(np.float32),
        np.arange(len(along), dtype=np.int32),
    )
    samples.order[:] += (first + ribbon * _apart(samples)).astype(np.int32)
    return samples


def _apart(samples: Samples) -> int:
    """Return how many steps along make two places different parts of the ribbon."""
    return int(4 * samples.half.max() / _STEP) + 8


def _fill(canvas: Canvas, samples: Samples, look: Look, random: Random) -> None:
    across = np.linspace(-1, 1, int(2 * samples.half.max() / _STEP) + 2, dtype=np.float32)
    at = canvas.beside(samples, samples.half[:, None] * across).ravel()
    canvas.pixels[at] = _ramp(look)[_tone(samples, across, look, random)].ravel()
    canvas.order[at] = np.repeat(samples.order, len(across))


def _tone(samples: Samples, across: Places, look: Look, random: Random) -> Index:
    """Return where each place (N, T) stands on the ramp."""
    bulge = (0.3 if look.flat else 1.0) * across
    sideways = samples.normals @ look.light[:2].astype(np.float32)
    tone = sideways[:, None] * bulge + np.float32(look.light[2]) * np.sqrt(1 - bulge * bulge)
    tone += _waves(samples, look.rough, random)[:, None]
    if not look.bands:
        return _level(tone).astype(np.intp)
    pitch = look.bands * 2 * float(samples.half.max())
    phase = (samples.along / pitch)[:, None] + np.float32(look.twist) * across
    band: Places = np.floor(phase)
    if look.twist:  # each band bulges, as the strands of a rope do
        middle = 2 * (phase - band) - 1
        tone -= np.float32(0.6) * middle * middle
    ramped: Places = _level(tone) + LEVELS * (band % 2)
    return ramped.astype(np.intp)


def _level(light: Places) -> Places:
    """Turn light from -1 to 1 into levels, in place."""
    light += 1
    light *= LEVELS / 2
    return np.clip(light, 0, LEVELS - 1, out=light)


def _waves(samples: Samples, strength: float, random: Random) -> Places:
    """Draw how the light varies along (N,)."""
    far = float(samples.along[-1])
    knots = random.normal(0, strength, 2 + int(far / _UNEVEN))
    waves = np.interp(samples.along, np.linspace(0, far, len(knots)), knots)
    return waves.astype(np.float32)


def _ramp(look: Look) -> npt.NDArray[np.uint32]:
    """Return the colours (2 * LEVELS,) from light behind to light in front, of both bands."""
    light = np.clip(np.linspace(-1, 1, LEVELS), 0, 1)[:, None]
    shine = 255 * look.gloss * light**24
    both = [(0.4 + 0.7 * light) * colour + shine for colour in (look.colour, look.other)]
    ramp = np.full((2 * LEVELS, 4), 255, np.uint8)
    ramp[:, :3] = np.clip(np.concatenate(both), 0, 255)
    return ramp.view(np.uint32)[:, 0]


def _shade(canvas: Canvas, samples: Samples) -> None:
    """Darken what lies close beside a part that came later."""
    most = np.clip(0.4 * samples.half.max(), 0.7 * canvas.fine, 2 * canvas.fine)
    gap = np.arange(_STEP, most + _STEP, 1.0, dtype=np.float32)
    half = samples.half[:, None]
    at = canvas.beside(samples, np.concatenate([half + gap, -half - gap], axis=1))
    below = canvas.order[at]
    shaded = at[(below != _NEVER) & (below < samples.order[:, None] - _apart(samples))]
    colours = canvas.pixels.view(np.uint8).reshape(-1, 4)
    colours[shaded, :3] = (colours[shaded, :3] * _SHADE).astype(np.uint8)
