"""Small pictures for the tests of images."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

WIDTH, HEIGHT = 24, 16
Pixels = npt.NDArray[np.uint8]


def picture(width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    """Colours that differ from corner to corner, smooth enough for JPEG."""
    x = np.linspace(0, 255, width)[None, :].repeat(height, axis=0)
    y = np.linspace(0, 255, height)[:, None].repeat(width, axis=1)
    return np.stack([x, y, 255 - x], axis=2).astype(np.uint8)


def save(path: Path, pixels: Pixels, mode: str = "RGB", **options: Any) -> str:
    """Write pixels as an image file and return its name."""
    Image.fromarray(pixels).convert(mode).save(path, **options)
    return path.name
