"""Give a trained network another trunk, which goes on where the old one was as far as it can.

    python examples/graft.py RUN/last.safetensors efficientnet-lite2 COCO grafted.safetensors
    python examples/graft.py --mobilesam mobile_sam.pt RUN/last.safetensors tinyvit-5m COCO \\
        grafted.safetensors

The new trunk has its ImageNet weights, or those of MobileSAM's encoder. Wherever the rest of the
network takes in the trunk's maps, the layer that does is replaced by the one that makes, of the new
trunk's maps, most nearly what the old layer made of the old ones: by ridge regression over cells of
160 photographs of COCO's training part (COCO/instances_train.json, COCO/images). Everything else is
the old network's. A minute.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor, nn

from boxmask.errors import ConfigError
from boxmask.models import MaskNetwork
from boxmask.models.network import build
from boxmask.models.views import cut_views
from boxmask.models.weights import load_network, save_network

PHOTOGRAPHS, BOXES, CELLS, SMALLEST = 160, 4, 3000, 12
RIDGE = 1e-3
OF_TRUNK = ("backbone.trunk.", "normalise.")  # a trunk has its own scale of pixels
LATERALS = "backbone.join.laterals"
FINE = "branches.0.head.1.lateral"
ENCODER = "image_encoder."  # what the trunk is called in MobileSAM

Boxes = npt.NDArray[np.float64]


class Regression:
    """Linear maps with a constant, from F to C channels, by sums over cells (N,F) and (N,C)."""

    def __init__(self) -> None:
        self.inner: Tensor = torch.zeros(())
        self.outer: Tensor = torch.zeros(())

    def add(self, given: Tensor, wanted: Tensor) -> None:
        """Take in maps (V,F,S,S) and what is wanted of them (V,C,S,S), at CELLS of the cells."""
        x, y = (of.permute(0, 2, 3, 1).flatten(0, 2).double() for of in (given, wanted))
        some = torch.randperm(len(x))[:CELLS]
        x = torch.cat([x[some], x.new_ones(len(some), 1)], dim=1)
        self.inner = self.inner + x.T @ x
        self.outer = self.outer + x.T @ y[some]

    def solve(self) -> tuple[Tensor, Tensor]:
        """Return the weight (C,F) and the constant (C,)."""
        ridge = RIDGE * self.inner.diagonal().mean() * torch.eye(len(self.inner)).double()
        ridge[-1, -1] = 0
        both = torch.linalg.solve(self.inner + ridge, self.outer)
        return both[:-1].T, both[-1]


def photographs(coco: Path) -> Iterator[tuple[npt.NDArray[np.uint8], Boxes]]:
    """Yield images (H,W,3) in a fixed order of chance, each with its first boxes (N,4)."""
    truth = json.loads((coco / "instances_train.json").read_text())
    files = {image["id"]: coco / "images" / image["file_name"] for image in truth["images"]}
    boxes = defaultdict(list)
    for one in truth["annotations"]:
        x, y, width, height = one["bbox"]
        if min(width, height) > SMALLEST and not one["iscrowd"]:
            boxes[one["image_id"]].append([x, y, x + width, y + height])
    order = list(boxes)
    np.random.default_rng(0).shuffle(order)
    for image in order:
        pixels = np.asarray(Image.open(files[image]).convert("RGB"))
        yield pixels, np.array(boxes[image][:BOXES], dtype=np.float64)


@torch.no_grad()
def fit(old: Any, new: Any, coco: Path) -> list[tuple[Tensor, Tensor]]:
    """Return the maps from the new trunk's levels to the old stride-2 map and the laterals."""
    fits = [Regression() for _ in range(1 + len(old.backbone.join.laterals))]
    for pixels, boxes in islice(photographs(coco), PHOTOGRAPHS):
        views = cut_views(old.config, pixels, boxes)
        fine, *levels = old.backbone.trunk(old.normalise(views.pixels), views.hints)
        laterals = zip(old.backbone.join.laterals, levels, strict=True)
        wanted: list[Tensor] = [fine, *(lateral(level) for lateral, level in laterals)]
        given = new.backbone.trunk(new.normalise(views.pixels))
        for regression, x, y in zip(fits, given, wanted, strict=True):
            regression.add(x, y)
    return [regression.solve() for regression in fits]


def load_mobilesam(trunk: nn.Module, path: Path) -> None:
    """Copy the weights of MobileSAM's encoder (mobile_sam.pt) into a trunk, its neck left out."""
    stored = torch.load(path, map_location="cpu", weights_only=True)
    named = {name.removeprefix(ENCODER): of for name, of in stored.items() if ENCODER in name}
    wanted = trunk.state_dict()
    for name, tensor in wanted.items():
        if name.startswith("hints."):
            named[name] = tensor
        elif name not in named or named[name].shape != tensor.shape:
            raise ConfigError(f"{path}: has no {name} of {tuple(tensor.shape)}; is it MobileSAM's?")
    trunk.load_state_dict({name: named[name] for name in wanted})


@torch.no_grad()
def graft(old: MaskNetwork, trunk: str, coco: Path, mobilesam: Path | None) -> MaskNetwork:
    """Return a network with another trunk and, fitted to it, the rest of the old one."""
    new: Any = build(replace(old.config, backbone=trunk), pretrained=mobilesam is None).eval()
    if mobilesam is not None:
        load_mobilesam(new.backbone.trunk, mobilesam)
    (fine, fine_bias), *laterals = fit(old.eval(), new, coco)
    state = old.state_dict()
    trunks = {name: of for name, of in new.state_dict().items() if name.startswith(OF_TRUNK)}
    for number, (weight, bias) in enumerate(laterals):
        state[f"{LATERALS}.{number}.weight"] = weight[:, :, None, None]
        state[f"{LATERALS}.{number}.bias"] = bias
    # The mask head's own lateral takes the stride-2 map itself, so the two maps become one.
    last = state[f"{FINE}.weight"][:, :, 0, 0].double()
    state[f"{FINE}.bias"] = state[f"{FINE}.bias"] + last @ fine_bias
    state[f"{FINE}.weight"] = (last @ fine)[:, :, None, None]
    rest = {name: of for name, of in state.items() if not name.startswith(OF_TRUNK)}
    new.load_state_dict(rest | trunks)
    grafted: MaskNetwork = new
    return grafted


def main() -> None:
    """Write the network of some weights with another trunk."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("weights", type=Path)
    parser.add_argument("trunk")
    parser.add_argument("coco", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--mobilesam", type=Path)
    given = parser.parse_args()
    torch.manual_seed(0)
    old, card = load_network(given.weights)
    save_network(given.out, graft(old, given.trunk, given.coco, given.mobilesam), card)


if __name__ == "__main__":
    main()
