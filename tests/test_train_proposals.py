"""Masks learnt on the proposals of a detector, as before boxes had to be true."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_train_detector import detecting, network_of, opened
from torchvision.ops import box_iou
from training_files import read_log, run_training, tiny, write_dataset

from boxmask.errors import ConfigError
from boxmask.models.detectors import Positives
from boxmask.train.data.batch_dataset import BatchDataset
from boxmask.train.data.proposals import cut_to, on_proposals
from boxmask.train.loss import Totals, losses
from boxmask.train.recipe import check_recipe

PROPOSING = ("boxes=proposals", "model.quality=false")


def test_a_mask_cut_to_a_box_is_what_lies_there() -> None:
    plane = torch.linspace(0, 1, 9)[None, :].expand(9, 9) * 0.5
    plane = plane + torch.linspace(0, 1, 9)[:, None] * 0.25
    true = torch.tensor([[0.2, 0.1, 0.6, 0.5]]).repeat(3, 1)
    boxes = torch.tensor([[0.2, 0.1, 0.6, 0.5], [0.3, 0.2, 0.5, 0.4], [0.4, 0.1, 0.8, 0.5]])
    same, inner, beside = cut_to(boxes, plane.expand(3, 9, 9), true)
    torch.testing.assert_close(same, plane)
    # A plane is a plane in every part of it.
    line = torch.linspace(0.25, 0.75, 9)
    torch.testing.assert_close(inner, line[None, :] * 0.5 + line[:, None] * 0.25)
    torch.testing.assert_close(beside[:, :5], plane[:, 4:])
    assert beside[:, 5:].max() < 1e-5  # outside the true box there is nothing


def test_a_batch_asks_for_proposals_and_every_object_counts_once(tmp_path: Path) -> None:
    collection, config = opened(write_dataset(tmp_path / "data"), *PROPOSING, name="faster-rcnn")
    batch = BatchDataset(collection, config, parts=1)[0]
    assert batch.truth is not None and batch.truth.asked is not None
    asked = batch.truth.asked
    assert sorted(asked.tolist()) == list(range(len(batch.views)))
    torch.testing.assert_close(batch.views.boxes[asked], batch.truth.boxes)
    of = torch.tensor([0, 3, 3, 5])
    moved = on_proposals(batch, Positives(batch.views.boxes[of], batch.views.index[of], of))
    torch.testing.assert_close(moved.targets, batch.targets[of], atol=1e-4, rtol=0)
    assert moved.weights.tolist() == [1, 0.5, 0.5, 1]
    assert moved.names == tuple(batch.names[place] for place in of.tolist())
    none = torch.zeros(0, dtype=torch.int64)
    empty = on_proposals(batch, Positives(torch.zeros(0, 4), none, none))
    assert empty.targets.shape == (0, 32, 32)


def test_masks_are_asked_of_seen_objects_that_are_hit(tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "data")
    collection, config = opened(path, *PROPOSING, seen="dog", name="faster-rcnn")
    batch = BatchDataset(collection, config, parts=1)[0]
    assert batch.truth is not None and batch.truth.asked is not None
    assert (batch.truth.asked >= 0).tolist() == (batch.truth.labels == 0).tolist()
    network = network_of(config)
    prediction = network(batch.views, truth=batch.truth)
    positives = prediction.positives
    assert positives is not None and prediction.detection is not None
    assert len(prediction.logits) == len(positives.boxes) > len(batch.views)
    assert set(positives.asked.tolist()) == {0, 1}  # the true boxes are among the proposals
    true = batch.views.boxes[positives.asked]
    assert (box_iou(true, positives.boxes).diagonal() >= 0.499).all()
    moved = on_proposals(batch, positives)
    totals = Totals(float(batch.weights.sum()), 2.0, float(len(batch.truth)))
    terms = losses(prediction, moved, config=config.loss_weights, totals=totals)
    torch.autograd.backward(torch.stack(list(terms.values())).sum())
    head = network.get_parameter("branches.0.head.1.project.weight").grad
    assert head is not None and head.any()
    boxes = network.get_parameter("detector.boxes.box_predictor.cls_score.weight").grad
    assert boxes is None  # where a proposal lies is not taught by its mask


def test_a_run_on_proposals(tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "data")
    config = tiny(*detecting("faster-rcnn"), *PROPOSING, "steps=2")
    run_training(path, tmp_path / "run", config)
    assert {"mask", "class"} <= set(read_log(tmp_path / "run")[-1])


def test_what_proposals_need_is_said(tmp_path: Path) -> None:
    _, config = opened(write_dataset(tmp_path / "data"), name="faster-rcnn")
    with pytest.raises(ConfigError, match=r"set model\.quality=false"):
        check_recipe(replace(config, boxes="proposals"))
    _, fcos = opened(tmp_path / "data" / "annotations.json", name="fcos")
    with pytest.raises(ConfigError, match=r"set model\.detector to that, not fcos"):
        check_recipe(replace(fcos, boxes="proposals"))
