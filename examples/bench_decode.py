"""What decoding large photographs reduced gains, and how far its masks are from those of full ones.

    python examples/bench_decode.py BOXES.json --images DIR [--limit N]

Of the first N photographs it takes the boxes that are large enough for a reduced decode, whatever
the size of the photograph, and compares the masks. Then it enlarges the first photograph to 12 MP
and counts what three large boxes of it cost. Half a minute of a core.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from bench_precision import Photo, against_true, asked, iou, print_true
from PIL import Image

import boxmask
from boxmask import images
from boxmask.models.config import ModelConfig
from boxmask.models.cuts import coarsest
from boxmask.predict import Predictor
from boxmask.predicted import PredictedMasks

LARGE = {"full": 10**12, "reduced": 0}  # pixels from which photographs are decoded reduced
SIZE = (4000, 3000)
BOXES = np.array([[300, 200, 1700, 1500], [1800, 400, 3600, 2400], [500, 1600, 1700, 2900]], float)


def large_only(photo: Photo, config: ModelConfig) -> Photo:
    """Keep the boxes of a photograph that a reduced one is enough for."""
    kept = [k for k, box in enumerate(photo.boxes) if coarsest(config, box) > 1]
    labels, true = [photo.labels[k] for k in kept], [photo.true[k] for k in kept]
    return Photo(photo.path, np.asarray(photo.boxes)[kept], labels, true)


def ask(predict: Predictor, photo: Photo, how: str) -> tuple[PredictedMasks, float]:
    """Return the masks of a photograph decoded so, and the seconds of a core."""
    images.LARGE = LARGE[how]
    started = time.process_time()
    found = predict(photo.path, photo.boxes, labels=photo.labels)
    return found, time.process_time() - started


def print_agreement(predict: Predictor, photos: list[Photo]) -> None:
    """Print how far the masks are from each other, and both from the true ones."""
    shared: list[float] = []
    true: dict[str, list[float]] = {how: [] for how in LARGE}
    for photo in photos:
        masks = {how: ask(predict, photo, how)[0].masks for how in LARGE}
        shared += [iou(*pair) for pair in zip(*masks.values(), strict=True)]
        for how, found in masks.items():
            true[how] += against_true(found, photo)
    if not shared:
        raise SystemExit("no box is large enough; give another file, or a larger --limit")
    print(f"{len(shared)} boxes: IoU of the masks, mean {np.mean(shared):.4f}, ", end="")
    print(f"lowest {min(shared):.4f}")
    print_true(true)


def print_cost(predict: Predictor, photo: Path) -> None:
    """Print what a photograph of 12 MP with three large boxes costs, in seconds of a core."""
    with TemporaryDirectory() as folder:
        large = Path(folder) / "large.jpg"
        Image.open(photo).convert("RGB").resize(SIZE).save(large, quality=92)
        one = Photo(large, BOXES, [0, 0, 0], [])
        spent = {how: min(ask(predict, one, how)[1] for _ in range(4)) for how in LARGE}
    print("12 MP, three large boxes: " + ", ".join(f"{how} {s:.3f} s" for how, s in spent.items()))


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("boxes", type=Path)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=50)
    options = parser.parse_args()
    predict = boxmask.load(device="cpu", runtime="openvino")
    photos = asked(options.boxes, options.images, options.limit)
    large = [large_only(photo, predict._network.config) for photo in photos]
    print_agreement(predict, [photo for photo in large if len(photo.boxes)])
    print_cost(predict, photos[0].path)


if __name__ == "__main__":
    main()
