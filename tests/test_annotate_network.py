"""The network of annotate: its batches, devices and precisions."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from annotation_files import (
    annotate,
    make_job,
    tiny_network,
    write_weights,
)

from boxmask.annotate.batches import group_by_view_size
from boxmask.annotate.network import DeviceNetwork
from boxmask.annotate.prepare import BoxViews
from boxmask.errors import ConfigError, RunError
from boxmask.models import Cuts, Views, cut
from boxmask.models.device import choose_device, choose_precision
from boxmask.models.prediction import to_numpy
from boxmask.models.weights import save_network


def box_views(side: int, views: int) -> BoxViews:
    pixels = np.zeros((views, side, side, 3), np.uint8)
    seen = Cuts(pixels, np.zeros((views, 4), np.float32), np.arange(views))
    none = np.zeros((0, 4))
    return BoxViews(0, (1, 1), none[:, 0].astype(np.int64), none, none[:, 0] > 0, seen, [])


def sides(groups: list[list[BoxViews]]) -> list[list[tuple[int, int]]]:
    return [
        [(one.views.pixels.shape[1], len(one.views.pixels)) for one in group if one.views]
        for group in groups
    ]


def test_views_of_one_size_share_a_batch_until_it_is_full() -> None:
    images = [box_views(8, 2), box_views(9, 1), box_views(8, 1), box_views(8, 1), box_views(9, 1)]
    batches = sides(list(group_by_view_size(images, limit=3)))
    assert batches == [[(8, 2), (8, 1)], [(9, 1), (9, 1)], [(8, 1)]]


def test_many_sizes_wait_no_longer_than_memory_allows() -> None:
    drawn = 0

    def images() -> Any:
        nonlocal drawn
        for side in range(1, 30):
            drawn += 1
            yield box_views(side, 1)

    batches = group_by_view_size(images(), limit=2)
    assert sides([next(batches)]) == [[(1, 1)]]
    assert drawn == 9
    assert len(list(batches)) == 28


def test_an_image_with_too_many_views_is_a_batch_of_its_own() -> None:
    batches = sides(
        list(group_by_view_size([box_views(8, 1), box_views(8, 9), box_views(8, 1)], limit=3))
    )
    assert batches == [[(8, 1)], [(8, 9)], [(8, 1)]]


def test_numbers_that_are_not_finite_are_an_error(tmp_path: Path) -> None:
    weights = write_weights(tmp_path)
    broken = tiny_network()
    with torch.no_grad():
        next(broken.branches.parameters()).fill_(float("nan"))
    save_network(weights, broken, {})
    with pytest.raises(RunError, match=r"not finite.*--precision"):
        annotate(make_job(tmp_path, weights=weights))


def test_bf16_keeps_the_masks_of_a_trained_network() -> None:
    network = tiny_network(use_coordinates=True)
    cuts, truth = discs(64)
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3)
    network.train()
    for _ in range(60):
        logits = network(Views.of(cuts)).logits
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    assert loss.item() < 0.3
    fp32, bf16 = (
        to_numpy(DeviceNetwork(network, device="cpu", precision=precision).predict(cuts, chunk=16))
        for precision in ("fp32", "bf16")
    )
    both = ((fp32[0] > 0.5) & (bf16[0] > 0.5)).sum(axis=(1, 2))
    either = ((fp32[0] > 0.5) | (bf16[0] > 0.5)).sum(axis=(1, 2))
    assert (both / either).mean() >= 0.98


def discs(count: int) -> tuple[Cuts, torch.Tensor]:
    """Draw bright discs in cuts, and their masks."""
    rng = np.random.default_rng(0)
    config = tiny_network().config
    y, x = np.mgrid[:64, :64]
    parts, truth = [], []
    for _ in range(count):
        radius = rng.uniform(10, 20)
        inside = ((x - 31.5) ** 2 + (y - 31.5) ** 2 <= radius**2)[..., None]
        image = np.where(inside, 200, 60).astype(np.uint8) + rng.integers(0, 30, (64, 64, 3))
        box = np.array([[10.0, 10.0, 54.0, 54.0]])
        parts.append(cut(config, image.astype(np.uint8), box))
        grid = np.linspace(10, 53, config.mask_size).round().astype(int)
        truth.append(torch.from_numpy(inside[grid][:, grid, 0].astype(np.float32)))
    return Cuts.join(parts), torch.stack(truth)


def test_a_precision_is_taken_as_given_and_auto_is_exact_on_a_cpu() -> None:
    assert choose_precision("auto", "cpu") == "fp32"
    assert choose_precision("fp16", "cpu") == "fp16"


@pytest.mark.parametrize("fast", [True, False])
def test_auto_is_bf16_where_cuda_has_it(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: fast)
    assert choose_precision("auto", "cuda:1") == ("bf16" if fast else "fp32")


@pytest.mark.parametrize(
    ("cuda", "mps", "device"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_auto_is_the_fastest_device_there_is(
    cuda: bool, mps: bool, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("boxmask.models.device.may_have_gpu", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device("auto") == device
    assert choose_device("cpu") == "cpu"


@pytest.mark.parametrize(
    ("device", "said"), [("toaster", "knows no such device"), ("xpu", "none on this machine")]
)
def test_a_device_that_is_not_there_is_refused(device: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        choose_device(device)
