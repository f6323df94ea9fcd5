"""The heads of other papers: their parameters, and what each is known for."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import torch
from pytest import MonkeyPatch
from small_networks import SMALL
from test_loss import batch, totals
from torch import Tensor
from training_files import (
    collect,
    edit_annotations,
    outline,
    read_log,
    run_training,
    tiny,
    write_dataset,
)

from boxmask.models import ModelConfig, Prediction, Views, build
from boxmask.models.cost import count_parameters, head_cost
from boxmask.models.heads import Answer, HeadSizes, build_head
from boxmask.models.heads.cascade import CascadeHead
from boxmask.models.heads.cpmask import CPMaskHead
from boxmask.models.heads.cpmask_errors import boundary_of, outside_error
from boxmask.models.heads.fcn8 import FCN8Head
from boxmask.models.heads.htc import HTCHead
from boxmask.models.heads.kmeans import kmeans
from boxmask.models.heads.psp import PyramidPooling
from boxmask.models.heads.shapemask import ShapeMaskHead
from boxmask.models.heads.yolact import YOLACTHead
from boxmask.models.weights import load_network
from boxmask.train.data.batch_dataset import BatchDataset
from boxmask.train.loss import losses
from boxmask.train.recipe import LossWeights
from boxmask.train.shapes import show_shapes

# As the experiment has them: 50 channels in, 32 base channels, masks of twice the crop's side.
RANKED = {
    "fcn": (567_553, 580),
    "c4": (342_913, 90),
    "mlp": (11_889_424, 12),
    "fcn-mlp": (5_485_585, 585),
    "shapemask": (317_846, 323),
    "cpmask": (1_401_987, 1_333),
    "yolact": (506_240, 982),
    "htc3": (2_007_939, 2_055),
    "cascade-mask": (3 * 567_553, 1_739),
    "fcn8": (301_219, 53),
    "psp": (681_601, 680),
    "hourglass20": (1_400_385, 330),
}
TAUGHT = ("shapemask", "cpmask", "htc3", "cascade-mask")
SMALLEST = HeadSizes(7, base=2, crop=8, mask=16)


@pytest.mark.parametrize(("name", "cost"), RANKED.items())
def test_head_costs_what_its_reconstruction_says(name: str, cost: tuple[int, int]) -> None:
    config = ModelConfig(head=name, head_channels=32, mask_size=64)
    found = head_cost(config)
    assert (found.parameters, round(found.per_box / 1e6)) == cost


@pytest.mark.parametrize(
    ("name", "mask", "count"),
    [("shapemask", 128, 1_481_238), ("cpmask", 64, 5_576_195), ("htc3", 64, 8_000_515)],
)
def test_head_on_published_crops_has_its_published_parameters(
    name: str, mask: int, count: int
) -> None:
    with torch.device("meta"):
        head = build_head(name, HeadSizes(256, base=64, crop=32, mask=mask))
        assert count_parameters(head) == count


def test_pyramid_pooling_has_its_published_parameters() -> None:
    with torch.device("meta"):
        assert count_parameters(PyramidPooling(2048)) == 4_198_400


def small(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return build_head(name, SMALLEST)


def add(module: torch.nn.Module, name: str, value: float) -> None:
    with torch.no_grad():
        module.get_parameter(name).add_(value)


def stages_of(head: CascadeHead | HTCHead, x: Tensor) -> Sequence[Tensor]:
    answer = head.train()(x)
    assert isinstance(answer, Answer)
    return [aside.said for aside in answer.asides]


def test_stages_are_taught_one_by_one_and_answer_by_their_mean() -> None:
    head = cast(CascadeHead, small("cascade-mask"))
    answer = head(torch.rand(2, 7, 8, 8))
    assert isinstance(answer, Answer)
    assert [aside.weight for aside in answer.asides] == [1, 0.5, 0.25]
    assert not answer.logits.requires_grad
    mean = torch.stack([aside.said.sigmoid() for aside in answer.asides]).mean(dim=0)
    torch.testing.assert_close(answer.logits.sigmoid(), mean, atol=1e-5, rtol=0)
    assert isinstance(head.eval()(torch.rand(2, 7, 8, 8)), Tensor)


def test_a_stage_of_htc_hears_the_ones_before_through_its_link_alone() -> None:
    head, x = cast(HTCHead, small("htc3")), torch.rand(2, 7, 8, 8)
    before = stages_of(head, x)
    add(head.stages[0].get_submodule("body.0"), "bias", 1)
    after = stages_of(head, x)
    assert not torch.equal(before[2], after[2])
    for stage in list(head.stages)[1:]:
        link = cast(torch.nn.Conv2d, stage.get_submodule("link.0"))
        torch.nn.init.zeros_(link.weight)
    alone = stages_of(head, x)
    add(head.stages[0].get_submodule("body.0"), "bias", 1)
    still = stages_of(head, x)
    assert not torch.equal(alone[0], still[0]) and torch.equal(alone[2], still[2])


def test_boundary_of_a_square_is_one_cell_to_both_sides() -> None:
    mask = torch.zeros(1, 10, 10, dtype=torch.bool)
    mask[0, 3:7, 3:7] = True
    assert int(boundary_of(mask).sum()) == 28
    assert not boundary_of(torch.ones(1, 10, 10, dtype=torch.bool)).any()


def test_cells_of_the_object_should_take_nothing_from_outside() -> None:
    targets = torch.zeros(2, 4, 4)
    targets[0, :2] = 1
    targets[1, 0, 0] = 1  # a single cell has nothing to look like
    even = torch.full((2, 16, 16), 1 / 16)
    torch.testing.assert_close(outside_error(even, targets), torch.tensor([0.5, 0.0]))
    own = torch.eye(16).expand(2, -1, -1)
    torch.testing.assert_close(outside_error(own, targets), torch.zeros(2))


def test_affinity_takes_shares_of_all_cells_and_is_taught_by_a_gradient() -> None:
    head, x = cast(CPMaskHead, small("cpmask")), torch.rand(2, 7, 8, 8)
    _, (_, shares) = head(x)
    torch.testing.assert_close(shares.said.sum(dim=2), torch.ones(2, 64))
    targets = torch.zeros(2, 16, 16)
    targets[:, :8] = 1
    shares.error(shares.said, targets).sum().backward()
    query = cast(torch.nn.Conv2d, head.affinity.query[0])
    assert query.weight.grad is not None and query.weight.grad.abs().sum() > 0


def test_shapemask_without_a_coarse_object_has_finite_masks() -> None:
    head = cast(ShapeMaskHead, small("shapemask"))
    x = torch.rand(2, 7, 8, 8)
    add(head.coarse[-1], "bias", -99)
    answer = head(x)
    assert (answer.asides[1].said < 0).all()
    assert torch.isfinite(answer.logits).all()
    assert torch.isfinite(head.eval()(x)).all()


def test_shapemask_finds_the_shapes_that_there_are() -> None:
    head = cast(ShapeMaskHead, small("shapemask"))
    upper, left = torch.zeros(16, 16), torch.zeros(16, 16)
    upper[:8], left[:, :8] = 1, 1
    head.find_shapes(torch.stack([upper, left] * 30))
    found = {tuple((shape > 0.5).flatten().tolist()) for shape in head.shapes}
    halves = (upper[::2, ::2], left[::2, ::2])
    assert found == {tuple((half > 0.5).flatten().tolist()) for half in halves}
    answer = head.train()(torch.rand(1, 7, 8, 8))
    assert 0.4 < float(answer.asides[0].said.detach().mean()) < 0.6


def test_kmeans_finds_groups_and_does_without_enough_points() -> None:
    random = torch.Generator().manual_seed(3)
    points = torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]]).repeat(20, 1)
    found = kmeans(points + 0.1 * torch.randn(60, 2, generator=random), count=3)
    assert sorted(map(tuple, found.round().tolist())) == [(0, 0), (0, 9), (9, 0)]
    assert kmeans(points[:2], count=4).shape == (4, 2)


def test_shapes_are_those_of_seen_classes_alone(tmp_path: Path) -> None:
    path = write_dataset(tmp_path)
    config = tiny("model.head=shapemask", "seen=voc")

    def shapes() -> Tensor:
        network = build(config.model)
        show_shapes(network, BatchDataset(collect(path, seen="voc"), config, parts=1))
        (head,) = (one for one in network.modules() if isinstance(one, ShapeMaskHead))
        return head.shapes

    before = shapes()
    assert 0.3 < float(before.mean()) < 0.7
    edit_annotations(path, of=2, segmentation=outline([60, 10, 10, 10]))  # the kites
    assert torch.equal(shapes(), before)


def test_fcn8_begins_with_its_coarsest_score() -> None:
    head = cast(FCN8Head, small("fcn8").eval())
    x = torch.rand(1, 7, 8, 8)
    before = head(x)
    add(head.scores[2], "bias", 1)
    torch.testing.assert_close(head(x), before + 1)
    add(head.scores[0], "weight", 1)
    assert not torch.equal(head(x), before + 1)


def test_yolact_subtracts_prototypes() -> None:
    head = cast(YOLACTHead, small("yolact").eval())
    x = torch.rand(1, 7, 8, 8)
    prototypes = head.protonet(x)
    assert (prototypes >= 0).all()
    with torch.no_grad():
        linear = cast(torch.nn.Linear, head.coefficients[0])
        linear.weight.zero_()
        linear.bias.fill_(-50)
    torch.testing.assert_close(head(x), -prototypes.sum(dim=1))


@pytest.mark.parametrize("name", TAUGHT)
def test_what_is_said_beside_the_mask_is_taught_by_seen_boxes_alone(name: str) -> None:
    one = batch([0.0, 1.0], [0, 1])
    answer = build_head(name, HeadSizes(7, base=2, crop=4, mask=8)).train()(torch.rand(2, 7, 4, 4))
    said = [aside._replace(said=aside.said.detach().requires_grad_()) for aside in answer.asides]
    targets = torch.nn.functional.interpolate(one.targets[:, None], 8)[:, 0]
    one, logits = replace(one, targets=targets), torch.zeros(2, 8, 8)
    prediction = Prediction(logits, torch.ones(2), torch.ones(2), (), tuple(said))
    config = LossWeights(mask=2.0, quality=0.0, normalise="batch")
    found = losses(prediction, one, config=config, totals=totals(one))
    errors = sum(a.weight * float(a.error(a.said.detach(), targets)[1]) for a in said)
    torch.testing.assert_close(found["asides"], torch.tensor(2 * errors))
    found["asides"].backward()  # type: ignore[no-untyped-call]
    for aside in said:
        assert aside.said.grad is not None and not aside.said.grad[0].any()
    without = LossWeights(mask=2.0, quality=0.0, asides=0.0)
    assert set(losses(prediction, one, config=without, totals=totals(one))) == {"mask"}


def test_all_stages_of_a_backbone_say_what_they_have_to(monkeypatch: MonkeyPatch) -> None:
    config = replace(SMALL, head="cascade-mask", crop_size=8, mask_size=16)
    network = build(config).train()
    network.branches.append(deepcopy(network.branches[0]))
    one = network._stages
    monkeypatch.setattr(network, "_stages", lambda views: one(views) * 2)
    pixels = torch.zeros(2, 3, 64, 64, dtype=torch.uint8)
    boxes = torch.tensor([[0.2, 0.2, 0.8, 0.8]]).repeat(2, 1)
    views = Views(pixels, boxes, torch.arange(2))
    prediction = network(views)
    assert (len(prediction.auxiliary), len(prediction.asides)) == (1, 6)
    assert network.eval()(views).asides == ()


def test_a_head_that_is_taught_more_trains_and_keeps_its_shapes(tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "data")
    run = tmp_path / "run"
    run_training(path, run, tiny("model.head=shapemask", "steps=2"))
    assert all(entry["asides"] > 0 for entry in read_log(run) if "mask" in entry)
    network, _ = load_network(run / "last.safetensors")
    (head,) = (one for one in network.modules() if isinstance(one, ShapeMaskHead))
    assert 0.3 < float(head.shapes.mean()) < 0.7
