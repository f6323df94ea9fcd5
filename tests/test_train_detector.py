"""Training with a detector: boxes of all classes teach it, masks only those of the seen."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from training_files import collect, edit_annotations, read_log, run_training, tiny, write_dataset
from typer.testing import CliRunner

from boxmask.cli import app
from boxmask.models import MaskNetwork, build
from boxmask.models.detectors import DETECTORS
from boxmask.models.header import read_header
from boxmask.train.data.batch import Batch
from boxmask.train.data.batch_dataset import BatchDataset
from boxmask.train.data.classes import class_numbers, with_classes
from boxmask.train.data.collection import Collection
from boxmask.train.loss import Totals, detection_losses, losses
from boxmask.train.recipe import TrainConfig


def detecting(name: str) -> tuple[str, ...]:
    """Changes to the tiny recipe that give it a detector, and a head if one is named behind +."""
    name, _, head = name.partition("+")
    family = DETECTORS[name].family
    sizes = ("model.mask_size=32", "model.image_size=128", "model.feature_channels=32", "batch=2")
    heads = (f"model.head={head}",) if head else ()
    return (*sizes, f"model.family={family}", f"model.detector={name}", *heads)


DETECTING = detecting("centernet")
EVERY = pytest.mark.parametrize(
    "name", [*sorted(DETECTORS), "faster-rcnn+maskx", "cascade+fcn-classes"]
)


def opened(
    path: Path, *changes: str, seen: str = "all", name: str = "centernet"
) -> tuple[Collection, TrainConfig]:
    """A collection, and a recipe with a detector of its classes."""
    collection = collect(path, seen=seen)
    config = tiny(*detecting(name), *changes)
    return collection, replace(config, model=with_classes(config.model, collection.sources))


def without_dogs_but_in_one(folder: Path) -> Path:
    """Write two images, in one of which no object is a dog."""
    path = write_dataset(folder, images=2)
    content = json.loads(path.read_text())
    kept = [one for one in content["annotations"] if one["image_id"] == 1 or one["category_id"] > 1]
    path.write_text(json.dumps(content | {"annotations": kept}))
    return path


def network_of(config: TrainConfig) -> MaskNetwork:
    torch.manual_seed(0)
    return build(config.model).train()


def gradients(network: MaskNetwork, terms: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The gradient of a sum of losses by parameter."""
    network.zero_grad()
    torch.autograd.backward(torch.stack(list(terms.values())).sum())
    named = network.named_parameters()
    return {name: x.grad.clone() for name, x in named if x.grad is not None}


def terms_of(
    network: MaskNetwork, batch: Batch, config: TrainConfig
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The losses of masks and those of boxes."""
    assert batch.truth is not None
    totals = Totals(float(batch.weights.sum()), float(batch.images), float(len(batch.truth)))
    prediction = network(batch.views, truth=batch.truth)
    assert prediction.detection is not None
    mean_over = DETECTORS[str(config.model.detector)].mean_over
    boxes = detection_losses(
        prediction.detection, batch, mean_over=mean_over, config=config.loss, totals=totals
    )
    return losses(prediction, batch, config=config.loss_weights, totals=totals), boxes


def test_the_truth_is_every_box_and_masks_are_asked_of_the_seen(tmp_path: Path) -> None:
    collection, config = opened(write_dataset(tmp_path / "data"), seen="dog")
    batch = BatchDataset(collection, config, parts=1)[0]
    assert batch.truth is not None
    assert sorted(batch.truth.labels.tolist()) == [0, 0, 1, 1, 2, 2]
    assert batch.truth.index.tolist() == sorted(batch.truth.index.tolist())
    assert len(batch.views) == 2
    assert batch.weights.tolist() == [1, 1]
    dogs = batch.truth.boxes[batch.truth.labels == 0]
    torch.testing.assert_close(dogs, batch.views.boxes)


@EVERY
@pytest.mark.parametrize("unseen_boxes", ["false", "true"])
def test_an_image_of_unseen_boxes_teaches_boxes_and_no_mask_at_all(
    tmp_path: Path, unseen_boxes: str, name: str
) -> None:
    path = without_dogs_but_in_one(tmp_path / "data")
    changes = (f"unseen_boxes={unseen_boxes}", "augment.flip=0", "batch=1")
    collection, config = opened(path, *changes, seen="dog", name=name)
    examples = BatchDataset(collection, config, parts=1)
    (batch,) = (one for one in map(examples.__getitem__, (0, 1)) if not one.weights.any())
    network = network_of(config)
    of_masks, of_boxes = terms_of(network, batch, config)
    assert all(float(value.detach()) == 0 for value in of_masks.values())
    assert not any(grad.any() for grad in gradients(network, of_masks).values())
    _, of_boxes = terms_of(network, batch, config)
    found = gradients(network, of_boxes)
    assert sum(float(value.detach()) for value in of_boxes.values()) > 0
    assert found["backbone.trunk.steps.0.0.weight"].any()
    moved = {one.partition(".")[0] for one, grad in found.items() if grad.any()}
    assert moved == {"backbone", "detector"}


@EVERY
def test_masks_of_unseen_classes_change_no_gradient(tmp_path: Path, name: str) -> None:
    found = []
    for folder, segmentation in (("one", None), ("other", [[0, 0, 90, 0, 90, 90]])):
        path = write_dataset(tmp_path / folder)
        if segmentation is not None:
            edit_annotations(path, of=2, segmentation=segmentation)
        collection, config = opened(path, "unseen_boxes=true", seen="dog", name=name)
        batch = BatchDataset(collection, config, parts=1)[0]
        network = network_of(config)
        of_masks, of_boxes = terms_of(network, batch, config)
        found.append(gradients(network, of_masks | of_boxes))
    assert found[0].keys() == found[1].keys()
    assert all(torch.equal(found[0][one], found[1][one]) for one in found[0])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (DETECTING, "learning from 2 images, 5 boxes, 1 masks of 1 seen classes (2 unseen)"),
        ((), "learning from 1 images, 1 masks of 1 seen classes (2 unseen)"),
    ],
)
def test_what_teaches_is_counted(tmp_path: Path, changes: tuple[str, ...], said: str) -> None:
    path = without_dogs_but_in_one(tmp_path / "data")
    words = ["train", str(path), "--images", str(path.parent / "images"), "--seen", "dog"]
    words += ["--preset", "tiny", "--steps", "1", "--device", "cpu", "--out", str(tmp_path / "run")]
    options = [word for one in changes for word in ("--set", one)]
    done = CliRunner().invoke(app, [*words, *options])
    assert done.exit_code == 0 and said in done.stderr, done.output


def test_parts_of_a_step_add_up_to_the_whole(tmp_path: Path) -> None:
    collection, config = opened(write_dataset(tmp_path / "data"))
    examples = BatchDataset(collection, config, parts=2)
    parts = [examples[0], examples[1]]
    network = network_of(config).eval()
    totals = Totals(0.0, 2.0, float(sum(len(one.truth) for one in parts if one.truth)))
    found = []
    for batch in (*parts, Batch.join(parts)):
        said = network(batch.views, truth=batch.truth).detection
        assert said is not None
        found.append(
            detection_losses(said, batch, mean_over="boxes", config=config.loss, totals=totals)
        )
    for name, value in found[2].items():
        torch.testing.assert_close(found[0][name] + found[1][name], value)


def test_classes_are_those_of_all_files_each_name_once(tmp_path: Path) -> None:
    one, other = write_dataset(tmp_path / "one"), write_dataset(tmp_path / "other")
    content = json.loads(other.read_text())
    content["categories"][1]["name"] = "lamp"
    other.write_text(json.dumps(content))
    sources = (*collect(one).sources, *collect(other).sources)
    model = with_classes(tiny(*DETECTING).model, sources)
    assert model.classes == ("dog", "kite", "person", "lamp")
    assert model.class_ids == (1, 2, 3, 4)  # lamp and kite have one id: all are numbered
    assert class_numbers(model.classes, sources).tolist() == [0, 1, 2, 0, 3, 2]


def test_a_run_learns_and_its_weights_know_their_classes(tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "data")
    changes = (*DETECTING, "steps=12", "log_every=6", "optimiser.lr=0.003", "augment.flip=0")
    run_training(path, tmp_path / "run", tiny(*changes))
    losses_found = [one["loss"] for one in read_log(tmp_path / "run") if "loss" in one]
    assert losses_found[-1] < losses_found[0]
    config = read_header(tmp_path / "run" / "last.safetensors").config
    assert (config.classes, config.class_ids) == (("dog", "kite", "person"), (1, 2, 3))


def test_a_detector_is_added_to_a_network_that_had_none(tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "data")
    plain = [one for one in DETECTING if not one.startswith("model.detector")]
    run_training(path, tmp_path / "masks", tiny(*plain, "steps=2"))
    start = tmp_path / "masks" / "last.safetensors"
    run_training(path, tmp_path / "run", tiny(*DETECTING, "steps=2"), init=start)
    assert read_header(tmp_path / "run" / "last.safetensors").config.detector == "centernet"
