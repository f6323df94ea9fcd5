"""Any mode of Pillow's as 8-bit RGB.

Alpha is dropped, not blended: the colours are then those that other readers of the same file see.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image

# The largest value of the modes whose samples are wider than a byte.
_MAX_SAMPLE = {"I": 65535.0, "I;16": 65535.0, "I;16B": 65535.0, "I;16L": 65535.0, "F": 1.0}
_ROWS = 256  # at once
# Modes that Pillow turns into RGB only by way of another.
_VIA_MODE = {"La": "LA", "RGBa": "RGBA", "PA": "RGBA"}


def to_rgb(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Return the pixels as (H, W, 3), in memory of their own."""
    if image.mode in _MAX_SAMPLE or image.mode.startswith("I;16"):
        return _eight_bits(np.asarray(image), _MAX_SAMPLE.get(image.mode, 65535.0))
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # directly to RGB, Pillow would warn
    if image.mode in _VIA_MODE:
        image = image.convert(_VIA_MODE[image.mode])
    return _copied(image)


def _copied(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Copy the pixels as (H, W, 3), some rows at a time: Pillow copies what it gives twice."""
    width, height = image.size
    pixels = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _ROWS):
        stripe = image.crop((0, top, width, min(top + _ROWS, height)))
        stripe = stripe if stripe.mode == "RGB" else stripe.convert("RGB")
        pixels[top : top + _ROWS] = np.asarray(stripe)
    return pixels


def _eight_bits(samples: npt.NDArray[np.generic], top: float) -> npt.NDArray[np.uint8]:
    """Scale wide samples (H, W) to grey bytes (H, W, 3), some rows at a time to spare memory.

    The scale is that of the format; samples outside it can only be read by their own range.
    """
    stripes = [slice(first, first + _ROWS) for first in range(0, len(samples), _ROWS)]
    low = min(float(_floats(samples[rows]).min()) for rows in stripes)
    high = max(float(_floats(samples[rows]).max()) for rows in stripes)
    if low >= 0 and high <= top:
        low, high = 0.0, top
    factor = np.float32(255 / max(high - low, 1e-12))
    grey = np.empty((*samples.shape, 3), np.uint8)
    for rows in stripes:
        grey[rows] = np.rint((_floats(samples[rows]) - low) * factor)[:, :, None]
    return grey


def _floats(samples: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """Return samples as finite numbers."""
    return np.nan_to_num(samples.astype(np.float32), posinf=0.0, neginf=0.0)
