"""The numbers that the official networks are filled with: each tensor's follow from its key."""

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

SIDE = 256  # of the images, in pixels


def value(key: str, shape: tuple[int, ...]) -> Floats:
    """Return a tensor's numbers: of a size with which activations neither grow nor vanish."""
    name = key.split("/.ATTRIBUTES")[0]
    drawn = _uniform(zlib.crc32(name.encode()), shape)
    last = name.rpartition("/")[2]
    if last == "kernel":
        inputs = int(np.prod(shape[:-1]))
        return drawn * np.float32((4.5 / max(inputs, 1)) ** 0.5)
    if last == "gamma":
        return np.float32(0.7) + np.float32(0.2) * drawn
    if last == "moving_variance":
        return np.float32(1.1) + np.float32(0.8) * drawn
    return np.float32(0.3) * drawn


def _uniform(seed: int, shape: tuple[int, ...]) -> Floats:
    """Draw numbers from -1 to 1, by raw bits, which no version of NumPy draws otherwise."""
    count = int(np.prod(shape))
    bits = np.frombuffer(np.random.PCG64(seed).random_raw((count + 1) // 2).tobytes(), np.uint32)
    drawn: Floats = (bits[:count] >> 8).astype(np.float32) / np.float32(1 << 23) - np.float32(1)
    return drawn.reshape(shape)


def image(height: int, width: int) -> npt.NDArray[np.uint8]:
    """Return a picture (H,W,3) of blobs with some noise."""
    y, x = np.mgrid[:height, :width] * (64 / max(height, width))
    waves = [(a * x + b * y).astype(np.int64) % 97 for a, b in ((1, 3), (4, -1), (2, 5))]
    noise = 20 * _uniform(height * 10_000 + width, (height, width, 3))
    return (60 + np.stack(waves, axis=-1) + noise).clip(0, 255).astype(np.uint8)


def boxes(height: int, width: int) -> npt.NDArray[np.float64]:
    """Return boxes (N,4), x0 y0 x1 y1 in pixels: tiny to whole, at the border, on no grid."""
    fractions: Any = [
        (0.11, 0.13, 0.47, 0.71),
        (0.0, 0.0, 1.0, 1.0),
        (0.513, 0.022, 0.551, 0.047),
        (0.62, 0.31, 0.997, 0.39),
        (0.003, 0.55, 0.21, 0.9991),
        (0.301, 0.402, 0.811, 0.877),
    ]
    found: npt.NDArray[np.float64] = np.array(fractions) * [width, height, width, height]
    return found
