"""Weights files, graphs of networks, and the published checkpoints that `boxmask import` reads."""

import io
import json
import tarfile
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save

from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.run import annotate
from boxmask.bundled import BUNDLED
from boxmask.check import check
from boxmask.data import read
from boxmask.models import ModelConfig, build, graph
from boxmask.models.compiled import CompiledNetwork
from boxmask.models.weights import load_network
from boxmask.published.checkpoint import Checkpoint
from boxmask.published.objects import GRAPH_KEY
from boxmask.published.run import import_weights
from fuzzing.boxes import HEIGHT, WIDTH
from fuzzing.damage import damage_bytes, damage_header, damage_index, damage_tensors
from fuzzing.target import Target

RECORDED = Path(__file__).parents[2] / "tests" / "recorded"
BOXES = json.dumps(
    {
        "images": [{"id": 0, "file_name": "0.png", "width": WIDTH, "height": HEIGHT}],
        "annotations": [{"id": 0, "image_id": 0, "category_id": 1, "bbox": [3, 4, 20, 20]}],
        "categories": [{"id": 1, "name": "thing"}],
    }
).encode()


@cache
def config() -> ModelConfig:
    """The config of a small network."""
    parts: dict[str, Any] = {"backbone": "tiny", "head": "fc2", "feature_channels": 8}
    parts |= {"embedding_channels": 8, "view_size": 32, "crop_size": 8, "mask_size": 8}
    return ModelConfig(**parts, head_channels=4)


@cache
def network_bytes() -> bytes:
    """Make the weights of a small network."""
    torch.manual_seed(0)
    member = {"config": json.loads(config().to_json()), "card": {}}
    return save(dict(build(config()).state_dict()), metadata={"boxmask": json.dumps(member)})


@cache
def photo_bytes() -> bytes:
    """Make a photo of noise."""
    pixels = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def load(path: Path) -> None:
    """Load a weights file."""
    load_network(path)


def run(path: Path) -> None:
    """Annotate with a weights file; whatever its numbers are, the output must be sound."""
    with TemporaryDirectory() as name:
        job = AnnotateJob(
            boxes=path.with_name("boxes.json"),
            images=path.parent,
            out=Path(name) / "out.json",
            weights=path,
            threads=1,
            decoders=1,
            runtime="torch",
        )
        annotate(job, lambda event: None)
        report = check(read(job.boxes), job.out)
        assert report.holds, report.first


def load_graph(path: Path) -> None:
    """Load the bundled network by graphs of which one is damaged."""
    with mock.patch.object(graph, "SHIPPED", path.parent):
        CompiledNetwork.load(BUNDLED, threads=1)


def read_checkpoint(path: Path) -> None:
    """Read the first tensors of a checkpoint, and its objects."""
    checkpoint = Checkpoint(path.with_suffix(""))
    for key in [key for key in checkpoint.entries if key != GRAPH_KEY][:5]:
        checkpoint.tensor(key)
    checkpoint.objects.first_made_as("listed")


def import_archive(path: Path) -> None:
    """Import an archive; no small one holds a published model."""
    out = path.with_name("imported.safetensors")
    out.unlink(missing_ok=True)
    import_weights(path, out)


@cache
def archive() -> bytes:
    """Pack a checkpoint as the authors' archives are packed."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as packed:
        for name in ("plain.index", "plain.data-00000-of-00001"):
            packed.add(RECORDED / name, f"model/checkpoint/{name}")
    return stream.getvalue()


_GRAPH = next(graph.SHIPPED.glob("*-144x1.zip"))
_OTHERS = {path.name: path.read_bytes() for path in graph.SHIPPED.glob("*.zip") if path != _GRAPH}
_BESIDE = {"boxes.json": BOXES, "0.png": photo_bytes()}
_DATA = {"plain.data-00000-of-00001": (RECORDED / "plain.data-00000-of-00001").read_bytes()}
TARGETS = {
    "weights": Target("network.safetensors", load, [network_bytes()], damage_header),
    "tensors": Target(
        "network.safetensors", run, [network_bytes()], damage_tensors, _BESIDE, tests=8
    ),
    "graph": Target(
        _GRAPH.name, load_graph, [_GRAPH.read_bytes()], damage_bytes, _OTHERS, tests=15
    ),
    "checkpoint": Target(
        "plain.index",
        read_checkpoint,
        [(RECORDED / "plain.index").read_bytes()],
        damage_index,
        _DATA,
        tests=15,
    ),
    "archive": Target("model.tar.gz", import_archive, [archive()], damage_bytes),
}
