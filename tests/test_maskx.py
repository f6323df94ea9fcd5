"""Masks that depend on the class: Mask R-CNN's own, and Mask^X's, made from the box head."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from annotation_files import annotate, boxes_of, make_job, output, write_weights
from torch import Tensor, nn

import boxmask
from boxmask.errors import ConfigError, InputError
from boxmask.evaluate.detections import evaluate_detections
from boxmask.evaluate.job import EvaluateJob, no_progress
from boxmask.models import MaskNetwork, ModelConfig, build
from boxmask.models.config import BY_CLASS, Transfer
from boxmask.models.cost import count_parameters
from boxmask.models.detectors.faster_rcnn import row_sizes
from boxmask.models.heads import Classes, HeadSizes, build_head
from boxmask.models.heads.maskx import WeightTransfer
from boxmask.models.views import Views
from boxmask.review.correct import Corrector

CLASSES = ("cat", "dog", "bird")
SMALL: dict[str, Any] = {
    "family": "deepmarc",
    "backbone": "tiny",
    "detector": "faster-rcnn",
    "classes": CLASSES,
    "class_ids": (7, 3, 5),
    "feature_channels": 8,
    "embedding_channels": 2,
    "head_channels": 2,
    "crop_size": 8,
    "mask_size": 16,
    "image_size": 64,
    "quality": False,
}
TRANSFERS = {
    "cls": (262_400, 328_192, 393_984),
    "box": (1_048_832, 1_114_624, 1_180_416),
    "cls+box": (1_310_976, 1_376_768, 1_442_560),
    "random": (77_056, 142_848, 208_640),
}


def network_of(head: str, **changes: Any) -> MaskNetwork:
    torch.manual_seed(0)
    return build(ModelConfig(**SMALL | {"head": head} | changes))


def views_of(labels: list[int]) -> Views:
    pixels = torch.randint(0, 255, (1, 3, 64, 64), generator=torch.Generator().manual_seed(1))
    boxes = torch.tensor([[0.1, 0.1, 0.7, 0.6]]).repeat(len(labels), 1)
    index = torch.zeros(len(labels), dtype=torch.int64)
    return Views(pixels.to(torch.uint8), boxes, index, None, torch.tensor(labels))


def rows_of(network: MaskNetwork) -> tuple[nn.Parameter, nn.Parameter]:
    """The classifier's and the regressor's weights."""
    predictor: Any = network.get_submodule("detector.boxes.box_predictor")
    return predictor.cls_score.weight, predictor.bbox_pred.weight


def test_the_published_sizes_of_the_transfer() -> None:
    cls, box = row_sizes(256)
    assert (cls, box) == (1024, 4096)
    for source, counts in TRANSFERS.items():
        for layers, count in enumerate(counts, 1):
            config = Transfer(source=source, layers=layers)  # type: ignore[arg-type]
            made = WeightTransfer(config, cls=cls, box=box, width=256, classes=80)
            assert count_parameters(made) == count


def test_the_published_sizes_of_the_heads() -> None:
    sizes = HeadSizes(inputs=256, base=64, crop=14, mask=28, classes=80)
    norms = 5 * 2 * 256  # which the paper's have not
    assert count_parameters(build_head("fcn-classes", sizes)) == 2_643_280 + norms
    head = build_head("maskx", replace(sizes, transfer=Transfer(dense=False)))
    # As class-agnostic, but for the layer that is made.
    assert count_parameters(head) == 2_622_977 + norms - 257 + 1_376_768


@pytest.mark.parametrize("head", BY_CLASS)
def test_a_box_gets_the_mask_of_its_class(head: str) -> None:
    network = network_of(head).eval()
    with torch.no_grad():
        logits = network(views_of([0, 1, 2, 1])).logits
        chunks = network(views_of([0, 1, 2, 1]), box_chunk=3).logits
    assert torch.equal(logits[1], logits[3])
    assert not torch.allclose(logits[0], logits[1]) and not torch.allclose(logits[1], logits[2])
    torch.testing.assert_close(chunks, logits)


def test_the_projection_is_made_of_the_rows_of_the_class() -> None:
    torch.manual_seed(0)
    sizes = HeadSizes(
        4, 2, crop=4, mask=8, classes=3, cls=5, box=20, transfer=Transfer(dense=False)
    )
    head = build_head("maskx", sizes).eval()
    crops, rows = torch.randn(2, 4, 4, 4), torch.randn(3, 25)
    said = head(crops, Classes(torch.tensor([2, 0]), rows))
    body, predictor, transfer = (head.get_submodule(n) for n in ("body", "predictor", "transfer"))
    features = predictor.enlarged(body(crops))  # type: ignore[operator]
    kernels = transfer(rows)
    for box, label in enumerate((2, 0)):
        wanted = (features[box] * kernels[label][:, None, None]).sum(dim=0)
        torch.testing.assert_close(said[box], wanted)
    assert all(
        layer.bias.abs().max() == 0 for layer in transfer.modules() if isinstance(layer, nn.Linear)
    )


@pytest.mark.parametrize("source", ["cls", "box", "cls+box"])
def test_masks_do_not_teach_the_box_head(source: str) -> None:
    stopped = network_of("maskx", transfer=Transfer(source=source)).train()  # type: ignore[arg-type]
    torch.autograd.backward(stopped(views_of([0, 1])).logits.sum())
    assert all(row.grad is None for row in rows_of(stopped))
    transfer = stopped.get_parameter("branches.0.head.transfer.layers.0.weight")
    assert transfer.grad is not None and transfer.grad.abs().max() > 0


def test_without_the_stop_masks_teach_the_rows_of_their_own_classes_alone() -> None:
    network = network_of("maskx", transfer=Transfer(stop_gradient=False)).train()
    torch.autograd.backward(network(views_of([0, 2])).logits.sum())
    scores, sides = (row.grad for row in rows_of(network))
    assert scores is not None and sides is not None
    sides = sides.reshape(len(scores), -1)
    for gradient in (scores, sides):
        moved = gradient.abs().amax(dim=1) > 0
        assert moved.tolist() == [False, True, False, True]  # background, cat, dog, bird


def test_every_form_computes() -> None:
    for source, layers, activation, dense in product(
        TRANSFERS, (1, 2, 3), ("leaky-relu", "relu", "none"), (True, False)
    ):
        config = Transfer(source=source, layers=layers, activation=activation, dense=dense)  # type: ignore[arg-type]
        sizes = HeadSizes(4, 1, crop=4, mask=8, classes=2, cls=3, box=12, transfer=config)
        said: Tensor = build_head("maskx", sizes)(
            torch.randn(2, 4, 4, 4), Classes(torch.tensor([1, 0]), torch.randn(2, 15))
        )
        assert said.shape == (2, 8, 8)


@pytest.mark.parametrize("head", BY_CLASS)
def test_annotate_and_python_ask_for_the_class(head: str, tmp_path: Path) -> None:
    changes = {key: value for key, value in SMALL.items() if key != "quality"} | {"head": head}
    weights = write_weights(tmp_path, **changes)
    data = boxes_of(1, 3)
    data["categories"] = [
        {"id": 1, "name": "bird"},
        {"id": 2, "name": "cat"},
        {"id": 4, "name": "x"},
    ]
    for row, category in zip(data["annotations"], (2, 1, 4), strict=True):
        row |= {"bbox": [4, 4, 20, 16], "category_id": category}
    job = make_job(tmp_path, data, weights=weights)
    tally = annotate(job).tally
    assert tally.statuses["ok"] == 2
    assert tally.reasons == {"class that the network does not know": 1}
    (skip,) = job.out.with_name(f"{job.out.name}.skipped.jsonl").read_text().splitlines()
    assert '"detail": "it knows cat, dog, bird"' in skip
    first, second, _ = output(job)["annotations"]
    predict = boxmask.load(weights, device="cpu")
    boxes = np.array([[4, 4, 24, 20]] * 2)
    photo = job.images / "0.png" if isinstance(job.images, Path) else tmp_path / "photos" / "0.png"
    found = predict(photo, boxes, labels=["cat", "bird"])
    assert found.rle == [first["segmentation"], second["segmentation"]]
    with pytest.raises(ConfigError, match="asks what each box is; say which of these: cat, dog"):
        predict(photo, boxes)


@pytest.mark.parametrize("head", BY_CLASS)
def test_what_is_found_is_masked_by_its_class_and_scored(head: str, tmp_path: Path) -> None:
    changes = {key: value for key, value in SMALL.items() if key != "quality"} | {"head": head}
    weights = write_weights(tmp_path, **changes)
    data = boxes_of(1, 2)
    data["categories"] = [{"id": 9, "name": "bird"}, {"id": 1, "name": "cat"}]
    for row, category in zip(data["annotations"], (9, 1), strict=True):
        row |= {"bbox": [4, 4, 20, 16], "segmentation": [[4, 4, 24, 4, 24, 20, 4, 20]]}
        row["category_id"] = category
    job = make_job(tmp_path, data, weights=weights)
    photos = job.images
    assert isinstance(photos, Path)
    kept = tmp_path / "found.json"
    asked = EvaluateJob(
        job.boxes, (), weights=weights, images=photos, device="cpu", threads=1, keep=kept
    )
    own, _, true = evaluate_detections(asked, no_progress).systems
    assert (own.name, true.name) == (weights.stem, f"{weights.stem}, true boxes")
    assert own.detections > 0 and true.detections == 2
    found = json.loads(kept.read_text())["annotations"]
    names = {9: "bird", 1: "cat"}
    corners = [[x, y, x + w, y + h] for x, y, w, h in (one["bbox"] for one in found)]
    labels = [names[one["category_id"]] for one in found]
    assert set(labels) == {"bird", "cat"}
    masks = boxmask.load(weights, device="cpu")(photos / "0.png", corners, labels=labels)
    assert masks.rle == [one["segmentation"] for one in found]


@pytest.mark.parametrize("head", BY_CLASS)
def test_a_review_masks_boxes_by_their_class(head: str, tmp_path: Path) -> None:
    changes = {key: value for key, value in SMALL.items() if key != "quality"} | {"head": head}
    weights = write_weights(tmp_path, **changes)
    pixels = np.random.default_rng(3).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    boxes = np.array([[4, 4, 24, 20], [30, 8, 60, 40]])
    found = boxmask.load(weights, device="cpu")(pixels, boxes, labels=["cat", "bird"])
    corrector = Corrector.load(weights)
    masks = [
        corrector.correct(pixels, box, category=name, key="one")
        for box, name in zip(boxes, ("cat", "bird"), strict=True)
    ]
    assert [mask.rle() for mask in masks] == found.rle
    np.testing.assert_allclose([mask.quality for mask in masks], found.expected_iou, atol=1e-4)
    # What the network has seen is kept by class, too.
    other = corrector.correct(pixels, boxes[0], category="dog", key="one")
    assert other.quality != masks[0].quality
    for name, why in (("", "a new box has none yet"), ("cow", "it is 'cow'")):
        with pytest.raises(InputError, match=f"its classes, cat, dog, bird; {why}"):
            corrector.correct(pixels, boxes[0], category=name, key="one")


def test_what_the_heads_need_is_said() -> None:
    with pytest.raises(
        ConfigError, match=r"asks what a box is; set model\.detector to faster-rcnn"
    ):
        network_of("maskx", detector="cascade")
    with pytest.raises(ConfigError, match="head fcn-classes asks what a box is"):
        network_of("fcn-classes", detector=None)
    assert set(get_args(Transfer.__annotations__["source"])) == set(TRANSFERS)
