"""Small photographs-to-be with rectangles on them, and COCO files that tell their masks."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from boxmask.train.data.collection import Collection
from boxmask.train.data.sources import open_sources
from boxmask.train.presets import preset
from boxmask.train.recipe import TrainConfig
from boxmask.train.recipe_text import override
from boxmask.train.run import TrainJob, train

SIDE = 96
NAMES = ("dog", "kite", "person")


def outline(box: Sequence[float]) -> list[list[float]]:
    """Write a box (x, y, w, h) as a polygon."""
    x, y, w, h = box
    return [[x, y, x + w, y, x + w, y + h, x, y + h]]


def lower_half(box: Sequence[float]) -> list[list[float]]:
    """Write the lower left triangle of a box (x, y, w, h) as a polygon."""
    x, y, w, h = box
    return [[x, y, x + w, y + h, x, y + h]]


def write_dataset(folder: Path, *, images: int = 3, seed: int = 0) -> Path:
    """Write images of one bright triangle of each class, and annotations.json."""
    random = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    records: list[dict[str, Any]] = []
    for image in range(images):
        pixels = random.integers(0, 60, (SIDE, SIDE, 3)).astype(np.uint8)
        for place, corner in enumerate(((4, 4), (52, 6), (20, 52))):
            w, h = (int(side) for side in random.integers(24, 40, 2))
            box = [*corner, w, h]
            across, down = np.meshgrid((np.arange(w) + 0.5) / w, (np.arange(h) + 0.5) / h)
            inside = down > across
            under = pixels[corner[1] : corner[1] + h, corner[0] : corner[0] + w]
            under[inside] = [(230, 60, 60), (60, 230, 60), (60, 60, 230)][place]
            records.append(
                {
                    "id": 10 * image + place + 1,
                    "image_id": image + 1,
                    "category_id": place + 1,
                    "bbox": box,
                    "segmentation": lower_half(box),
                    "iscrowd": 0,
                }
            )
        Image.fromarray(pixels).save(folder / "images" / f"{image + 1}.png")
    content = {
        "licenses": [{"id": 1, "name": "CC0"}, {"id": 2, "name": "never used"}],
        "images": [
            {"id": i + 1, "file_name": f"{i + 1}.png", "width": SIDE, "height": SIDE, "license": 1}
            for i in range(images)
        ],
        "annotations": records,
        "categories": [{"id": i + 1, "name": name} for i, name in enumerate(NAMES)],
    }
    path = folder / "annotations.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def edit_annotations(path: Path, **changes: Any) -> None:
    """Change the annotations of one category of a file."""
    category = changes.pop("of")
    content = json.loads(path.read_text(encoding="utf-8"))
    for record in content["annotations"]:
        if record["category_id"] == category:
            record |= changes
    path.write_text(json.dumps(content), encoding="utf-8")


def collect(path: Path, *, seen: str = "all") -> Collection:
    """Open a written dataset."""
    sources = open_sources([path], [path.parent / "images"], seen=seen)
    return Collection(sources, min_side=2.0, cache_bytes=1 << 24)


def tiny(*changes: str) -> TrainConfig:
    """Return the tiny recipe, made smaller and changed."""
    small = ["batch=4", "steps=6", "save_every=2", "validate_every=3", "log_every=1"]
    return override(preset("tiny"), [*small, *changes])


def run_training(
    path: Path,
    out: Path,
    config: TrainConfig,
    *,
    report: Callable[[dict[str, Any]], None] = lambda entry: None,
    **job: Any,
) -> dict[str, Any]:
    """Train on a written dataset; `job` is what else a TrainJob has."""
    where = {"images": (path.parent / "images",), "device": "cpu"} | job
    return train(TrainJob(annotations=(path,), out=out, **where), config, report=report)


def saved_weights(out: Path) -> dict[str, torch.Tensor]:
    """Read the weights that a run would go on from."""
    state = torch.load(out / "state.pt", weights_only=True)
    found: dict[str, torch.Tensor] = state["network"]
    return found


def same_weights(one: Path, other: Path) -> bool:
    """Tell whether two runs would go on from the same weights."""
    pairs = zip(saved_weights(one).values(), saved_weights(other).values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def read_log(out: Path) -> list[dict[str, Any]]:
    """Read the log of a run."""
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


VARIED = (
    "augment.rotate=30",
    "augment.stretch=0.3",
    "augment.context=0.2",
    "augment.brightness=0.2",
    "augment.contrast=0.3",
    "augment.saturation=0.3",
    "augment.hue=0.05",
    "augment.blur=0.3",
    "augment.noise=0.05",
    "augment.paste=0.7",
    "augment.box_jitter=0.1",
)
TOLD = (
    "augment.box_jitter=0",
    "model.window_masks=true",
    "augment.loose=0.5",
    "augment.neighbours=0.8",
)
WHOLE = ("model.family=deepmac", "model.image_size=96", "model.pad_square=false", "batch=2")
