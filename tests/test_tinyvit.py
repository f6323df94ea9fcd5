"""TinyViT: windows that fit a map, attention as it is defined, and the weights of MobileSAM."""

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from boxmask.errors import ConfigError
from boxmask.models import ModelConfig
from boxmask.models.backbones import build_backbone
from boxmask.models.backbones.tinyvit import TinyViTTrunk, _Attention

sys.path.append(str(Path(__file__).parents[1] / "examples"))

from graft import load_mobilesam

WIDTH, HEADS = 12, 3


def attention(window: int) -> _Attention:
    """Attention whose parameters are all of some size."""
    torch.manual_seed(window)
    made = _Attention(WIDTH, HEADS, window)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return made


def by_definition(layer: _Attention, x: Tensor, side: int) -> Tensor:
    """What attention adds to a map (C,H,W) in windows of `side`, cell by cell.

    Cells beyond the map are zeros before the norm, and are attended to, as published.
    """
    channels, height, width = x.shape
    down, across = -(-height // side) * side, -(-width // side) * side
    padded = torch.zeros(down, across, channels)
    padded[:height, :width] = x.permute(1, 2, 0)
    found = torch.zeros(down, across, channels)
    size = channels // layer.heads
    for row in range(down):
        for column in range(across):
            top, left = row - row % side, column - column % side
            others = [(r, c) for r in range(top, top + side) for c in range(left, left + side)]
            mine = layer.qkv(layer.norm(padded[row, column])).reshape(layer.heads, 3, size)
            for head in range(layer.heads):
                parts = [
                    layer.qkv(layer.norm(padded[at])).reshape(layer.heads, 3, size)[head]
                    for at in others
                ]
                scores = torch.stack([mine[head, 0] @ part[1] / size**0.5 for part in parts])
                apart = [abs(r - row) * layer.window + abs(c - column) for r, c in others]
                weights = (scores + layer.attention_biases[head, apart]).softmax(0)
                values = torch.stack([part[2] for part in parts])
                found[row, column, head * size : (head + 1) * size] = weights @ values
    whole: Tensor = layer.proj(found)[:height, :width].permute(2, 0, 1)
    return whole


@pytest.mark.parametrize(
    ("height", "width", "window", "side"),
    [
        (4, 4, 7, 4),  # a map smaller than a window is one window
        (6, 6, 3, 3),
        (5, 4, 3, 3),  # two windows of 3, the last cells are padding
        (8, 8, 7, 4),  # two windows of 4 rather than two of 7
        (9, 9, 7, 5),
    ],
)
@torch.no_grad()
def test_attention_is_as_defined_in_the_fewest_windows(
    height: int, width: int, window: int, side: int
) -> None:
    layer = attention(window)
    x = torch.randn(2, WIDTH, height, width)
    found = layer(x)
    for view, given in zip(found, x, strict=True):
        assert torch.allclose(view, by_definition(layer, given, side), atol=1e-5)


@pytest.mark.parametrize("side", [64, 112, 128, 144, 160, 97])
@torch.no_grad()
def test_the_trunk_gives_five_maps(side: int) -> None:
    trunk = TinyViTTrunk().eval()
    levels = trunk(torch.rand(1, 3, side, side))
    assert [level.shape[1] for level in levels] == [trunk.fine_channels, *trunk.channels]
    sides = [side]
    for _ in levels:
        sides.append(-(-sides[-1] // 2))
    assert [tuple(level.shape[2:]) for level in levels] == [(s, s) for s in sides[1:]]


def test_frozen_halvings_are_all_of_the_trunk_but_its_hints() -> None:
    trunk = TinyViTTrunk()
    parts = [{id(p) for p in part.parameters()} for part in trunk.halvings()]
    assert len(parts) == 5
    assert sum(map(len, parts)) == len(set().union(*parts)) == len(list(trunk.parameters()))


def mobilesam_file(path: Path, trunk: TinyViTTrunk) -> Path:
    """A file with the names of MobileSAM's, its encoder a trunk's."""
    named = {f"image_encoder.{name}": tensor for name, tensor in trunk.state_dict().items()}
    named["image_encoder.neck.0.weight"] = torch.zeros(2)
    torch.save(named | {"mask_decoder.x": torch.zeros(1)}, path)
    return path


def test_the_encoder_of_mobilesam_becomes_the_trunk(tmp_path: Path) -> None:
    torch.manual_seed(1)
    given, trunk = TinyViTTrunk(), TinyViTTrunk()
    load_mobilesam(trunk, mobilesam_file(tmp_path / "sam.pt", given))
    pairs = zip(trunk.state_dict().values(), given.state_dict().values(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


def test_a_hint_layer_keeps_its_own_weights(tmp_path: Path) -> None:
    backbone = build_backbone(ModelConfig(backbone="tinyvit-5m"))
    backbone.add_hint_layer()
    trunk = backbone.get_submodule("trunk")
    before = {name: x.clone() for name, x in trunk.state_dict().items() if name.startswith("hints")}
    load_mobilesam(trunk, mobilesam_file(tmp_path / "sam.pt", TinyViTTrunk()))
    assert before and all(torch.equal(trunk.state_dict()[name], before[name]) for name in before)


def test_a_file_of_something_else_names_the_first_tensor_it_lacks(tmp_path: Path) -> None:
    torch.save({"image_encoder.patch_embed.x": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(ConfigError, match=r"other.pt: has no patch_embed\S+ of \(32, 3, 3, 3\)"):
        load_mobilesam(TinyViTTrunk(), tmp_path / "other.pt")


def test_it_has_no_imagenet_weights_and_says_where_to_start() -> None:
    with pytest.raises(ConfigError, match="--init bundled"):
        build_backbone(ModelConfig(backbone="tinyvit-5m"), pretrained=True)
