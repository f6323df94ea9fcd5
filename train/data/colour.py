"""Changes of colour, sharpness and grain; masks stay as they are.

Brightness, contrast, saturation and hue are each affine in RGB, so together they are one 3x4
matrix and one pass over the pixels. Hue turns about the gray axis of _YIQ, which for the few
degrees drawn here is HSV's turn to within rounding.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from boxmask.train.data.scene import Pixels
from boxmask.train.recipe import Augment

Random = np.random.Generator
Matrix = npt.NDArray[np.float64]

_LUMA = np.array([0.299, 0.587, 0.114])
_YIQ = np.array([_LUMA, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


def random_factor(random: Random, strength: float) -> float:
    """Draw from 1/(1+s) to 1+s, as likely below one as above."""
    return float(np.exp(random.uniform(-1, 1) * np.log1p(strength)))


def recolour(image: Pixels, config: Augment, random: Random) -> Pixels:
    """Return the image (H, W, 3) with drawn colour, sharpness and grain."""
    drawn = Image.fromarray(image)
    matrix = _matrix(config, random, mean=float(np.mean(image[::8, ::8] @ _LUMA)))
    if not np.array_equal(matrix, np.eye(3, 4)):
        drawn = drawn.convert("RGB", tuple(matrix.ravel()))
    if random.random() < config.blur:
        drawn = _blurred(drawn, random)
    pixels = np.asarray(drawn)
    if config.noise and random.random() < 0.5:
        pixels = _grainy(pixels, config.noise, random)
    return pixels


def _matrix(config: Augment, random: Random, *, mean: float) -> Matrix:
    """Return the (3, 4) map of colours 0..255 that the draws amount to."""
    angle = 2 * np.pi * config.hue * random.uniform(-1, 1)
    saturation = random_factor(random, config.saturation) * (random.random() >= config.gray)
    contrast = random_factor(random, config.contrast)
    brightness = 255 * config.brightness * random.uniform(-1, 1)
    if not any((config.hue, config.saturation, config.gray, config.contrast, config.brightness)):
        return np.eye(3, 4)
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    colours = np.linalg.inv(_YIQ) @ turn @ _YIQ
    colours = contrast * (saturation * colours + (1 - saturation) * np.tile(_LUMA, (3, 1)))
    return np.column_stack([colours, np.full(3, brightness + (1 - contrast) * mean)])


def _blurred(drawn: Image.Image, random: Random) -> Image.Image:
    """Blur, or reduce and enlarge again, as an image from a small camera."""
    if random.random() < 0.5:
        return drawn.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.5)))
    share = random.uniform(0.35, 0.9)
    small = (max(1, int(drawn.width * share)), max(1, int(drawn.height * share)))
    return drawn.resize(small, Image.Resampling.BILINEAR).resize(
        drawn.size, Image.Resampling.BILINEAR
    )


def _grainy(pixels: Pixels, largest: float, random: Random) -> Pixels:
    most = round(255 * largest * random.random())
    grain = random.integers(-most, most + 1, pixels.shape, dtype=np.int16)
    return np.asarray(np.clip(pixels + grain, 0, 255), dtype=np.uint8)
