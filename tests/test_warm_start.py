"""Warm starts: what a network takes from another changes nothing of what that one had learnt."""

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from small_networks import SMALL
from torch import Tensor, nn

from boxmask.bundled import BUNDLED
from boxmask.images import load_image
from boxmask.models import MaskNetwork, ModelConfig, build, cut_views
from boxmask.models.backbones.trunk import DetailedFeatures
from boxmask.models.hints import PLANES
from boxmask.models.hourglass import Hourglass
from boxmask.models.norm import HourglassNorm
from boxmask.models.warm_start import MisfitError, start_from
from boxmask.models.weights import load_network

PHOTOS = Path(__file__).parents[1] / "examples" / "photos"
UPSAMPLING = replace(SMALL, crop_size=16, mask_size=32)
WINDOW = replace(SMALL, window_masks=True)


def trained(config: ModelConfig, *, seed: int = 0) -> MaskNetwork:
    """A network with weights and statistics other than those it begins with."""
    torch.manual_seed(seed)
    network = build(config).eval()
    with torch.no_grad():
        for tensor in (*network.parameters(), *network.buffers()):
            if tensor.is_floating_point() and tensor.dim() < 3:
                tensor.uniform_(0.5, 1.5)
    return network


def started(config: ModelConfig, start: MaskNetwork) -> MaskNetwork:
    """A new network that took over another."""
    network = build(config).eval()
    start_from(network, start)
    return network


def head_of(network: MaskNetwork) -> nn.Module:
    """The only mask head."""
    return network.last_branch.head


@pytest.mark.parametrize("config", [UPSAMPLING, WINDOW, replace(WINDOW, head="hourglass26")])
def test_a_network_of_the_same_parts_is_taken_over_whole(config: ModelConfig) -> None:
    start = trained(config)
    found = started(config, start).state_dict()
    assert all(torch.equal(found[name], x) for name, x in start.state_dict().items())


@pytest.mark.parametrize("head", ["hourglass20", "resnet4"])
def test_a_network_that_sees_hints_computes_at_first_what_one_without_them_did(head: str) -> None:
    before = trained(replace(UPSAMPLING, head=head))
    after = started(replace(WINDOW, head=head), before)
    side, inputs = 16, before.config.region_channels
    views, crops = torch.rand(2, 3, 64, 64), torch.rand(2, inputs, side, side)
    hints = torch.rand(2, len(PLANES), side, side)
    further = torch.rand(2, after.config.region_channels - inputs, side, side)
    fine = torch.rand(2, after.backbone.fine_channels, 2 * side, 2 * side)
    with torch.no_grad():
        (old,), (new,) = before.backbone(views), after.backbone(views, hints)
        assert torch.equal(cast(DetailedFeatures, new).features, cast(Tensor, old))
        logits = head_of(before)(crops)
        both = torch.cat([crops, further], dim=1)
        torch.testing.assert_close(head_of(after)(both, fine), logits)
        assert before.quality is not None and after.quality is not None
        torch.testing.assert_close(after.quality(both, logits), before.quality(crops, logits))


def test_a_predictor_of_another_kind_begins_afresh_and_all_else_is_taken_over() -> None:
    start = trained(replace(UPSAMPLING, mask_size=16))
    found, wanted = started(WINDOW, start).state_dict(), start.state_dict()
    same = {name for name, x in wanted.items() if name in found and torch.equal(found[name], x)}
    other = {name for name in wanted if name not in same}
    first = {"branches.0.head.0.0.0.weight", "quality.body.0.0.weight"}
    assert other == first | {"branches.0.head.1.project.weight", "branches.0.head.1.project.bias"}


def hourglass_of(network: MaskNetwork) -> Hourglass:
    """The outermost hourglass of the head."""
    return next(module for module in head_of(network).modules() if isinstance(module, Hourglass))


def test_a_deeper_hourglass_is_the_shallower_one_and_a_faint_stage() -> None:
    start = trained(WINDOW)
    deeper = started(replace(WINDOW, head="hourglass26"), start)
    x = torch.rand(2, 8, 16, 16)
    with torch.no_grad():
        old, new = hourglass_of(start)(x), hourglass_of(deeper)(x)
        assert 0 < (new - old).norm() < 0.05 * old.norm()
        added = cast(Hourglass, cast(Hourglass, hourglass_of(deeper).inner).inner)
        for module in added.decode[-1].modules():
            if isinstance(module, HourglassNorm) and module.weight.eq(0.1).all():
                module.weight.zero_()
        assert torch.equal(hourglass_of(deeper)(x), old)
    kept = {name.replace("inner.inner.", "inner.inner.shortcut.") for name in start.state_dict()}
    new_names = deeper.state_dict().keys() - kept
    assert all(".inner.inner." in name for name in new_names) and new_names


def test_the_shipped_network_masks_nearly_the_same_when_its_head_is_deepened() -> None:
    start, _ = load_network(BUNDLED)
    torch.manual_seed(0)
    deeper = started(replace(start.config, head="hourglass26"), start)
    image = load_image(PHOTOS, "chelsea.jpg")
    views = cut_views(start.config, image, np.array([[60.0, 20, 400, 290], [130, 80, 330, 260]]))
    with torch.no_grad():
        old, new = start(views).logits > 0, deeper(views).logits > 0
    assert (old & new).sum() / (old | new).sum() > 0.98


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (UPSAMPLING, replace(WINDOW, head="hourglass10")),
        (replace(UPSAMPLING, feature_channels=24), WINDOW),
        (replace(UPSAMPLING, use_coordinates=False), WINDOW),
        (replace(UPSAMPLING, use_instance=False), WINDOW),
        (replace(UPSAMPLING, quality=False), WINDOW),
        (WINDOW, UPSAMPLING),
        (replace(UPSAMPLING, head="hourglass10"), UPSAMPLING),
        (replace(UPSAMPLING, head="hourglass20"), replace(UPSAMPLING, head="hourglass20-no-lrs")),
        (replace(UPSAMPLING, head="fc2"), UPSAMPLING),
    ],
)
def test_other_networks_are_refused(before: ModelConfig, after: ModelConfig) -> None:
    with pytest.raises(MisfitError):
        started(after, trained(before))
