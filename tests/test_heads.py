"""Heads: the published parameter counts, depths and shapes, exactly."""

import pytest
import torch

from boxmask.errors import ConfigError
from boxmask.models.config import BY_CLASS
from boxmask.models.cost import count_parameters
from boxmask.models.heads import HEADS, HeadSizes, build_head
from boxmask.models.heads.hourglass import PLANS
from boxmask.models.heads.residual import PreActivation
from boxmask.models.hourglass import depth

# Deep-MAC: 50 channels in, 64 base channels.
PARAMETERS = {
    "hourglass10": 1_605_249,
    "hourglass20": 5_530_625,
    "hourglass26": 10_979_969,  # ours, not published
    "hourglass32": 10_440_065,
    "hourglass52": 23_454_593,
    "hourglass100": 47_221_121,
    "hourglass20-no-ed": 5_513_985,
    "hourglass20-no-lrs": 4_644_353,
    "resnet4": 529_217,
    "resnet8": 1_120_577,
    "resnet12": 1_711_937,
    "resnet16": 2_303_297,
    "resnet20": 3_546_817,
    "resnet20-dilated10": 3_546_817,
    "resnet20-dilated20": 3_546_817,
    "fc2": 68_162_752,
    "fc4": 68_162_752 + 2 * (1024 * 1024 + 1024),
    # Other papers' heads in that place: see test_heads_rivals.py.
    "c4": 1_332_993,
    "mlp": 11_889_424,
    "fcn8": 1_173_827,
    "psp": 2_542_849,
    "yolact": 1_895_552,
    "shapemask": 1_209_110,
}
# Deep-MARC: 256 channels in, the mask twice as large as the crop.
ENLARGING = {
    "fcn": 2_625_537,
    "fcn-mlp": 2_625_537 + 49 * 256 * 784 + 784,
    "cpmask": 5_576_195,
    "htc3": 8_000_515,
    "cascade-mask": 3 * 2_625_537,
    "hourglass20": 5_682_177,
    "hourglass52": 23_606_145,
    "hourglass100": 47_372_673,
}


@pytest.mark.parametrize(("name", "count"), PARAMETERS.items())
def test_head_has_its_published_parameters(name: str, count: int) -> None:
    with torch.device("meta"):
        assert count_parameters(build_head(name, HeadSizes(50, base=64, crop=32, mask=32))) == count


@pytest.mark.parametrize(("name", "count"), ENLARGING.items())
def test_enlarging_head_has_its_published_parameters(name: str, count: int) -> None:
    with torch.device("meta"):
        assert (
            count_parameters(build_head(name, HeadSizes(256, base=64, crop=32, mask=64))) == count
        )


def test_resnet4_of_eight_channels_has_the_parameters_of_the_original_test() -> None:
    assert count_parameters(build_head("resnet4", HeadSizes(32, base=8, crop=32, mask=32))) == 8665


def test_every_head_is_pinned_by_a_count() -> None:
    assert set(HEADS) == {*PARAMETERS, *ENLARGING, *BY_CLASS}  # those: tests/test_maskx.py


@pytest.mark.parametrize("layers", [10, 20, 26, 32, 52, 100])
def test_hourglass_is_as_deep_as_its_name(layers: int) -> None:
    assert depth(PLANS[f"hourglass{layers}"]) == layers


@pytest.mark.parametrize("name", [name for name in HEADS if name not in BY_CLASS])
@pytest.mark.parametrize("base", [2, 5])
def test_any_head_takes_any_number_of_base_channels(name: str, base: int) -> None:
    mask = 16 if HEADS[name].always_upsamples else 8
    head = build_head(name, HeadSizes(7, base=base, crop=8, mask=mask)).eval()
    with torch.no_grad():
        assert head(torch.rand(3, 7, 8, 8)).shape == (3, mask, mask)


@pytest.mark.parametrize("name", [name for name in HEADS if not HEADS[name].always_upsamples])
def test_any_head_can_double_the_side_of_its_mask(name: str) -> None:
    head = build_head(name, HeadSizes(7, base=2, crop=8, mask=16)).eval()
    with torch.no_grad():
        assert head(torch.rand(2, 7, 8, 8)).shape == (2, 16, 16)


@pytest.mark.parametrize(
    ("name", "dilated"), [("resnet20", 0), ("resnet20-dilated10", 10), ("resnet20-dilated20", 20)]
)
def test_dilated_head_has_as_many_dilated_kernels_as_its_name(name: str, dilated: int) -> None:
    head = build_head(name, HeadSizes(4, base=2, crop=8, mask=8))
    kernels = [
        layer
        for block in head.modules()
        if isinstance(block, PreActivation)
        for layer in block.body
        if isinstance(layer, torch.nn.Conv2d)
    ]
    assert len(kernels) == 20
    assert sum(layer.dilation == (2, 2) for layer in kernels) == dilated


def test_no_ed_head_keeps_its_resolution_throughout() -> None:
    head = build_head("hourglass20-no-ed", HeadSizes(4, base=2, crop=8, mask=8))
    strides = {layer.stride for layer in head.modules() if isinstance(layer, torch.nn.Conv2d)}
    assert strides == {(1, 1)}


def test_glorot_and_kaiming_draw_the_spread_they_promise() -> None:
    torch.manual_seed(0)
    glorot = build_head("resnet4", HeadSizes(50, base=64, crop=32, mask=32))
    kaiming = build_head("fcn", HeadSizes(256, base=64, crop=14, mask=28))
    weights = [m.weight for m in glorot.modules() if isinstance(m, torch.nn.Conv2d)]
    bound = (6 / (64 * 9 + 128 * 9)) ** 0.5
    assert 0.95 * bound < weights[2].abs().max().item() <= bound
    weights = [m.weight for m in kaiming.modules() if isinstance(m, torch.nn.Conv2d)]
    assert weights[0].std().item() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.02)


def test_unknown_head_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no head is called 'hourglass21'.*hourglass20, hour"):
        build_head("hourglass21", HeadSizes(50, base=64, crop=32, mask=32))
