"""Photos, boxes and a network so small that a whole run takes a fraction of a second."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from boxmask.annotate import run
from boxmask.annotate.events import Event, Summary
from boxmask.annotate.hints import hints_without_measuring
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.workload import Inputs, Workload, open_workload
from boxmask.models import MaskNetwork, ModelConfig, build
from boxmask.models.weights import save_network

Json = dict[str, Any]
WIDTH, HEIGHT = 40, 30
WINDOWS = {"window_masks": True, "head": "hourglass10", "view_size": 24, "large_view_size": 28}


def tiny_network(**changes: Any) -> MaskNetwork:
    """Build an untrained network whose masks are as uneven as those of a trained one."""
    parts: Json = {"backbone": "tiny", "head": "fc2", "feature_channels": 8}
    sides: Json = {
        "embedding_channels": 8,
        "view_size": 32,
        "crop_size": 8,
        "mask_size": 8,
        "head_channels": 4,
    }
    torch.manual_seed(0)
    network = build(ModelConfig(**(parts | sides | changes)))
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=parameter[0].numel() ** -0.5)
    return network


def write_weights(folder: Path, **changes: Any) -> Path:
    """Write the weights of a tiny network."""
    path = folder / "tiny.safetensors"
    save_network(path, tiny_network(**changes), {})
    return path


def write_photo(path: Path, *, seed: int = 0, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
    """Write a photo of noise."""
    path.parent.mkdir(exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image.fromarray(noise).save(path)


def boxes_of(images: int, boxes: int) -> Json:
    """Make a COCO file of so many images, with so many boxes each."""
    return {
        "info": {"note": "kept"},
        "images": [
            {"id": i, "file_name": f"{i}.png", "width": WIDTH, "height": HEIGHT}
            for i in range(images)
        ],
        "annotations": [
            {"id": k, "image_id": k % images, "category_id": 1, "bbox": [k % 9, 4, 9 + k % 20, 20]}
            for k in range(images * boxes)
        ],
        "categories": [{"id": 1, "name": "thing"}],
    }


def make_job(folder: Path, data: Json | None = None, **changes: Any) -> AnnotateJob:
    """Write a small dataset with its photos and return the job that annotates it in shards."""
    data = data or boxes_of(4, 3)
    folder.mkdir(exist_ok=True)
    boxes = folder / "boxes.json"
    boxes.write_text(json.dumps(data))
    for seed, image in enumerate(data["images"]):
        write_photo(folder / "images" / image["file_name"], seed=seed)
    given: Json = {
        "boxes": boxes,
        "images": folder / "images",
        "out": folder / "out.json",
        "weights": changes.pop("weights", None) or write_weights(folder),
        "shard_boxes": 4,
        "batch_boxes": 8,
        "threads": 1,
        "decoders": 2,
    }
    return AnnotateJob(**(given | changes))


def window_job(folder: Path, data: Json | None = None, **changes: Any) -> AnnotateJob:
    """Make a job of a network with window masks, on photos full of boxes over each other."""
    folder.mkdir(exist_ok=True)
    return make_job(folder, data, weights=write_weights(folder, **WINDOWS), **changes)


def photos(job: AnnotateJob) -> Path:
    """Return the folder of a job's photos, which is on this machine."""
    assert isinstance(job.images, Path)
    return job.images


def silent(event: Event) -> None:
    """Take no notice."""


def annotate(job: AnnotateJob) -> Summary:
    """Run a job to its end."""
    return run.annotate(job, silent)


def output(job: AnnotateJob) -> Json:
    """Read a finished output."""
    found: Json = json.loads(job.out.read_bytes())
    return found


def workload_of(job: AnnotateJob) -> Workload:
    """Open the workload of a job, with the hints that need no measuring."""
    return open_workload(Inputs(job, "cpu", "fp32", silent), hints_without_measuring(job))
