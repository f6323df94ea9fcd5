"""Photographs of noise, and an untrained network with a detector: it finds things, all wrong."""

from pathlib import Path
from typing import Any, cast

from annotation_files import tiny_network, write_photo
from torch import Tensor, nn

from boxmask.detect import run
from boxmask.detect.job import DetectJob, detect_job
from boxmask.detect.run import Detected
from boxmask.models.detectors.centernet import CenterHeads, CenterNet
from boxmask.models.weights import save_network

CLASSES = {"classes": ("cat", "dog"), "class_ids": (7, 3)}
NETWORK = {"family": "deepmac", "image_size": 64, "detector": "centernet", **CLASSES}


def write_detector(folder: Path, **changes: Any) -> Path:
    """Write the weights of a network with a detector of two classes, whose boxes have a size."""
    network = tiny_network(**(NETWORK | changes))
    assert isinstance(network.detector, CenterNet)
    for heads in network.detector.stages:
        assert isinstance(heads, CenterHeads)
        nn.init.constant_(cast(Tensor, heads.size[-1].bias), 4.0)
    path = folder / "detector.safetensors"
    save_network(path, network, {})
    return path


def make_detection(folder: Path, *, photos: int = 4, **changes: Any) -> DetectJob:
    """Write photographs and weights, and return the job that finds three boxes in each."""
    folder.mkdir(exist_ok=True)
    for seed in range(photos):
        write_photo(folder / "photos" / f"{seed}.png", seed=seed, size=(40 + seed, 30))
    options: dict[str, Any] = {
        "weights": changes.get("weights") or write_detector(folder),
        "out": folder / "out.json",
        "min_score": 0.0,
        "most": 3,
        "device": "cpu",
        "threads": 1,
    }
    return detect_job(folder / "photos", **(options | changes))


def detect(job: DetectJob) -> Detected:
    """Run a job without a word."""
    return run.detect(job, lambda event: None)
