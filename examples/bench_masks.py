"""Time paste and encode in the box against paste and encode of the whole image.

    python examples/bench_masks.py

A quarter of a minute on one core. The last column is how many times faster boxmask is: about 40 for
a box of 60 px at 1080p, and more than 1 everywhere. The rival is the faster, box by box, of two
ways to paste over the whole image in float32: torch's `grid_sample`, and two matrix products with
numpy. Both hand pycocotools the column-major bits that it wants, and spend nothing on a copy.
"""

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from pycocotools import mask as coco
from torch.nn.functional import grid_sample

from boxmask.geometry import paste_runs
from boxmask.rle import compress

Box = tuple[float, float, float, float]
Floats = npt.NDArray[np.float32]
Paste = Callable[[Floats, Box, int, int], bytes]

IMAGES = {"480p": (640, 480), "1080p": (1920, 1080), "12 MP": (4000, 3000)}
BOXES = {"20 px": 20, "60 px": 60, "400 px": 400, "full frame": None}
SIDE = 32


def blob() -> Floats:
    """A soft ellipse, (M, M): what a network answers for a common object."""
    rows, columns = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    probability: Floats = 1 / (1 + np.exp(12 * (np.hypot(rows, columns * 1.1) - 0.9)))
    return probability.astype(np.float32)


def in_the_box(probability: Floats, box: Box, width: int, height: int) -> bytes:
    """Paste and encode as boxmask does."""
    counts = paste_runs(probability, box, width=width, height=height)
    return compress(counts, width=width, height=height)


def with_products(probability: Floats, box: Box, width: int, height: int) -> bytes:
    """Paste over the whole image by two matrix products, and encode it with pycocotools."""
    across = _weights(box[0], box[2], width)
    down = _weights(box[1], box[3], height)
    return _encode((across @ probability.T @ down.T > 0.5).T)


def with_grid_sample(probability: Floats, box: Box, width: int, height: int) -> bytes:
    """Paste over the whole image with torch, and encode it with pycocotools."""
    x = torch.from_numpy(2 * _places(box[0], box[2], width) / (SIDE - 1) - 1)
    y = torch.from_numpy(2 * _places(box[1], box[3], height) / (SIDE - 1) - 1)
    # Columns first, so that the bits come out in the order of COCO.
    grid = torch.stack(torch.meshgrid(x, y, indexing="ij")[::-1], dim=-1)[None]
    source = torch.from_numpy(probability.T.copy())[None, None]
    pasted = grid_sample(source, grid, align_corners=True)[0, 0] > 0.5
    return _encode(pasted.numpy().T)


def _places(low: float, high: float, extent: int) -> Floats:
    fractions = np.arange(extent) / (extent - 1) * extent
    return ((SIDE - 1) * (fractions - low) / (high - low)).astype(np.float32)


def _weights(low: float, high: float, extent: int) -> Floats:
    distances = abs(_places(low, high, extent)[:, None] - np.arange(SIDE, dtype=np.float32))
    return np.maximum(1 - distances, 0)


def _encode(bits: npt.NDArray[np.bool_]) -> bytes:
    counts: bytes = coco.encode(bits.view(np.uint8))["counts"]
    return counts


def seconds(paste: Paste, box: Box, width: int, height: int) -> float:
    """Time a way to paste: the best of the runs that fit in a third of a second, three or more."""
    probability = blob()
    times: list[float] = []
    while len(times) < 3 or sum(times) < 1 / 3:
        start = time.perf_counter()
        paste(probability, box, width, height)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print one line for each size of image and of box."""
    torch.set_num_threads(1)
    print(f"{'image':8}{'box':12}{'whole image, ms':>16}{'boxmask, ms':>13}{'faster':>9}")
    for image, (width, height) in IMAGES.items():
        for name, side in BOXES.items():
            box = (30.3, 40.7, 30.3 + side, 40.7 + side) if side else (0.0, 0.0, width, height)
            rivals = (with_products, with_grid_sample)
            whole = min(seconds(rival, box, width, height) for rival in rivals)
            ours = seconds(in_the_box, box, width, height)
            print(f"{image:8}{name:12}{whole * 1e3:16.3f}{ours * 1e3:13.3f}{whole / ours:8.1f}x")


if __name__ == "__main__":
    main()
