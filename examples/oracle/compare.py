"""Import what `authors.py OUT` has written, and compare what the networks answer, step by step.

    python examples/oracle/compare.py OUT [CASE ...]

A difference is the largest one, as a share of the spread (standard deviation) of the answers. Each
step is given what the authors' step before it has answered; the last two are whole ways. The
images `square` and `wide` need no resizing, so there everything must agree. For `large` and
`small`, boxmask resamples in another way on purpose, and what that does to the logits is shown.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from cases import DEEPMAC, DEEPMARC, images_of
from torch import Tensor
from values import SIDE, boxes, image

from boxmask.models.network import MaskNetwork
from boxmask.models.views import Views, cut_views
from boxmask.published.checkpoint import Checkpoint
from boxmask.published.convert import convert
from boxmask.published.families import Recognised

# What must agree. Padding in the mean colour is not exact here, as colours are whole numbers.
EXACT = {"mac": ("square", "wide"), "marc": ("square",)}
LIMIT = 1e-3
STEPS = ("pixels", "features", "vectors", "crops", "head", "whole")


def difference(ours: Tensor, theirs: Tensor) -> float:
    """Return the largest difference as a share of the spread of theirs."""
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    return float((ours - theirs).abs().max() / theirs.std())


def steps(
    network: MaskNetwork, theirs: dict[str, Tensor], views: Views
) -> Iterator[tuple[str, float]]:
    """Yield each step and its difference."""
    yield "pixels", difference(network.normalise(views.pixels)[0], theirs["pixels"])
    stage = network.backbone(theirs["pixels"][None])[-1]
    region = network.last_branch.region
    if network.config.family == "deepmac":
        yield "features", difference(stage[0], theirs["features"])
        (found,) = region(region.per_view(theirs["features"][None]), views.boxes, views.index)
        count = theirs["crops"].shape[1]
        yield "vectors", difference(found[:, count:, 0, 0], theirs["vectors"])
        yield "crops", difference(found[:, :count], theirs["crops"])
        vectors = theirs["vectors"][..., None, None].expand(-1, -1, *found.shape[2:])
        crops = torch.cat([theirs["crops"], vectors], dim=1)
    else:
        given = [theirs[f"features{level}"] for level in sorted(levels(theirs))]
        yield "features", max(difference(a[0], b) for a, b in zip(stage, given, strict=True))
        (found,) = region([one[None] for one in given], views.boxes, views.index)
        crops = theirs["crops"]
        yield "crops", difference(found, crops)
    yield "head", difference(network.last_branch.head(crops), theirs["logits"])
    yield "whole", difference(network(views).logits, theirs["logits"])


def levels(theirs: dict[str, Tensor]) -> list[int]:
    """Return the levels of their pyramid."""
    return [int(name.removeprefix("features")) for name in theirs if name.startswith("features")]


def compare(folder: Path) -> dict[tuple[str, str], float]:
    """Import one checkpoint, and return the difference of each image and step."""
    recognised = Recognised(Checkpoint(folder / "ckpt-0"))
    network = convert(recognised, replace(recognised.config, image_size=SIDE))
    answers = np.load(folder / "answers.npz")
    found: dict[tuple[str, str], float] = {}
    for name, (height, width) in images_of(folder.name).items():
        theirs = {
            key.partition(".")[2]: torch.from_numpy(answers[key])
            for key in answers.files
            if key.startswith(f"{name}.")
        }
        for key in ("pixels", "crops", *(one for one in theirs if one.startswith("features"))):
            theirs[key] = theirs[key].movedim(-1, -3)
        views = cut_views(network.config, image(height, width), boxes(height, width))
        found |= {(name, step): one for step, one in steps(network, theirs, views)}
    return found


def main() -> int:
    """Print the table; 1 if something differs that must not."""
    out, wanted = Path(sys.argv[1]), sys.argv[2:]
    wrong = 0
    print(f"{'':34}{'':8}" + "".join(f"{step:>10}" for step in STEPS))
    for name in (*DEEPMAC, *DEEPMARC):
        if (wanted and name not in wanted) or not (out / name / "answers.npz").exists():
            continue
        with torch.no_grad():
            found = compare(out / name)
        for which in images_of(name):
            cells = [found.get((which, step)) for step in STEPS]
            print(f"{name:34}{which:8}" + "".join(_cell(one) for one in cells), flush=True)
            exact = which in EXACT[name.partition("-")[0]]
            wrong += exact and any((one or 0) > LIMIT for one in cells)
    print(f"{wrong} rows differ by more than {LIMIT:g}" if wrong else f"all within {LIMIT:g}")
    return bool(wrong)


def _cell(value: float | None) -> str:
    return f"{'':>10}" if value is None else f"{value:>10.1e}"


if __name__ == "__main__":
    sys.exit(main())
