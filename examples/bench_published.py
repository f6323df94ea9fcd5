"""What the published networks cost on one CPU core: processor seconds and memory.

    python examples/bench_published.py [MODEL ...]

The weights are drawn at random, which costs as much as the authors'. Processor time is measured,
which is the same on a busy machine. Every row is a process of its own.
"""

import resource
import subprocess
import sys

import numpy as np
import torch

from boxmask.models import build, cut_views
from boxmask.models.presets import preset

MODELS = ("deepmac-1024", "deepmac-512", "deepmarc-spinenet143-hg52", "deepmarc-r50")
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
BOXES = 4


def used() -> float:
    """Return the processor seconds of this process."""
    found = resource.getrusage(resource.RUSAGE_SELF)
    return found.ru_utime + found.ru_stime


def measure(name: str, precision: str) -> None:
    """Print what one image and its boxes take."""
    torch.set_num_threads(1)
    network = build(preset(name)).eval().to(memory_format=torch.channels_last)
    size = network.config.image_size
    image = np.random.default_rng(0).integers(0, 256, (size * 3 // 4, size, 3), dtype=np.uint8)
    boxes = np.array([[10 * i + 5, 10 * i + 5, 200 + 20 * i, 150 + 30 * i] for i in range(BOXES)])
    views = cut_views(network.config, image, boxes)
    dtype = PRECISIONS[precision]
    half = torch.autocast("cpu", dtype=dtype, enabled=dtype is not torch.float32)
    with torch.inference_mode(), half:
        begin = used()
        stage = network.backbone(network.normalise(views.pixels))[-1]
        maps = network.last_branch.region.per_view(stage)
        middle = used()
        crops = network.last_branch.region(maps, views.boxes, views.index)
        network.last_branch.head(*crops)
        end = used()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    per_image, per_box = middle - begin, (end - middle) / BOXES
    print(f"{name:27} {precision:9} {per_image:8.1f} {per_box:6.2f} {memory:5.1f}", flush=True)


def main() -> None:
    """Print the table."""
    print(f"{'model':27} precision  s/image  s/box    GB", flush=True)
    for name in sys.argv[1:] or MODELS:
        for precision in PRECISIONS:
            subprocess.run([sys.executable, __file__, "--row", name, precision], check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--row"]:
        measure(*sys.argv[2:])
    else:
        main()
