"""Time two networks on the boxes of a file, in turns: milliseconds a box, and their ratio.

    python examples/bench_network.py boxes.json --images DIR ONE.safetensors OTHER.safetensors

Each network is asked about the boxes of one image after another, batch by batch as `annotate` does
it; the two take turns with every image, so that what else the machine does slows both. Decoding and
encoding are left out. About a minute for a hundred photographs.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from boxmask.data import pixel_boxes, read
from boxmask.dataset import BoxDataset
from boxmask.images import load_image
from boxmask.models import MaskNetwork, Views, cut_views, large_boxes
from boxmask.models.inference import predict_masks
from boxmask.models.weights import load_network


def views_of(network: MaskNetwork, pixels: npt.NDArray[np.uint8], boxes: np.ndarray) -> list[Views]:
    """Cut the views of boxes (N,4), those of each size by themselves."""
    large = large_boxes(network.config, boxes)
    return [
        cut_views(network.config, pixels, boxes[chosen], large=size)
        for size, chosen in ((False, ~large), (True, large))
        if chosen.any()
    ]


def seconds(network: MaskNetwork, batches: list[Views]) -> float:
    """Time the network's answer to some views."""
    started = time.perf_counter()
    for views in batches:
        predict_masks(network, views, box_chunk=64)
    return time.perf_counter() - started


def images_of(dataset: BoxDataset, folder: Path) -> list[tuple[npt.NDArray[np.uint8], np.ndarray]]:
    """Load the images with their sound boxes."""
    order, starts = dataset.rows_by_image()
    found = []
    for image, name in enumerate(dataset.file_names):
        rows = order[starts[image] : starts[image + 1]]
        rows = rows[dataset.faults[rows] == 0]
        if len(rows):
            sizes = int(dataset.widths[image]), int(dataset.heights[image])
            pixels = load_image(folder, name, width=sizes[0], height=sizes[1])
            found.append((pixels, pixel_boxes(dataset, rows, pixels.shape[1], pixels.shape[0])))
    return found


def main() -> None:
    """Print a line for each network, and the ratio of their times."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("boxes", type=Path)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("weights", type=Path, nargs=2)
    options = parser.parse_args()
    networks = [
        load_network(path)[0].to(memory_format=torch.channels_last) for path in options.weights
    ]
    spent, count = np.zeros(2), 0
    with torch.inference_mode():
        for number, (pixels, boxes) in enumerate(images_of(read(options.boxes), options.images)):
            batches = [views_of(network, pixels, boxes) for network in networks]
            order = (0, 1) if number % 2 else (1, 0)
            taken = {which: seconds(networks[which], batches[which]) for which in order}
            if number >= 5:  # the first ones warm up
                spent += [taken[0], taken[1]]
                count += len(boxes)
    for path, total in zip(options.weights, spent, strict=True):
        print(f"{path.name}: {1000 * total / count:.1f} ms a box")
    print(f"ratio {spent[1] / spent[0]:.2f} over {count} boxes, {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
