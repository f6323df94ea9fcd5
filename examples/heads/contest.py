"""What is ranked: the rows, the two budgets, the two directions, and what all runs share."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from boxmask.models import ModelConfig
from boxmask.models.cost import Cost, head_cost
from boxmask.train.presets import preset
from boxmask.train.recipe import TrainConfig


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is the same for every row."""

    train: Path
    val: Path
    images: Path
    out: Path
    backbone: str = "efficientnet-lite0"
    view_size: int = 64
    crop_size: int = 16
    """Cells of a crop; masks have twice as many. Mask R-CNN has 14 and 28, Deep-MAC 32 and 32."""
    width: int = 16
    """Base channels of all heads at equal steps, and of the reference; the paper has 64."""
    start: int = 400
    """Steps that teach the backbone before there is any head: see teaching.py."""
    steps: int = 120
    batch: int = 16
    """Boxes in a step."""
    loosen: float = 0.1
    """Side error of the loose boxes that heads are measured on as well."""


@dataclass(frozen=True)
class Row:
    """One way to build and teach a mask head."""

    head: str
    noisy: bool = False
    """Half of the boxes overlap the truth by 0.5 and more, as a detector's proposals do."""
    asides: float = 1.0
    """Of what a head is taught beside the mask."""
    embedded: bool = True
    """With the instance embedding and coordinates of Deep-MAC."""
    widens: bool = True
    """Can be made to cost what another does; multiply-adds of dense layers are parameters."""

    def config(self, width: int, settings: Settings) -> ModelConfig:
        """Describe the row's network."""
        return ModelConfig(
            backbone=settings.backbone,
            feature_channels=2 * settings.width,
            embedding_channels=4 * settings.width,
            head=self.head,
            head_channels=width,
            view_size=settings.view_size,
            crop_size=settings.crop_size,
            mask_size=2 * settings.crop_size,
            use_instance=self.embedded,
            use_coordinates=self.embedded,
        )


REFERENCE = "Hourglass-20"
START = "No head, mask predictor alone"

ROWS = {
    START: Row("none", widens=False),
    REFERENCE: Row("hourglass20"),
    "Hourglass-10": Row("hourglass10"),
    "Hourglass-52": Row("hourglass52"),
    "Hourglass-20, no long-range skips": Row("hourglass20-no-lrs"),
    "Hourglass-20, no encoder-decoder": Row("hourglass20-no-ed"),
    "Hourglass-20, no embedding": Row("hourglass20", embedded=False),
    "ResNet-4": Row("resnet4"),
    "ResNet-20": Row("resnet20"),
    "ResNet-20, dilated": Row("resnet20-dilated20"),
    "Fully connected, 2 layers": Row("fc2", widens=False),
    "Mask R-CNN": Row("fcn"),
    "Mask R-CNN, true and noisy boxes": Row("fcn", noisy=True),
    "Mask R-CNN, no embedding": Row("fcn", embedded=False),
    "Mask R-CNN, C4": Row("c4"),
    "Mask R-CNN, dense": Row("mlp", widens=False),
    "Mask^X, no transfer": Row("fcn-mlp"),
    "ShapeMask": Row("shapemask"),
    "CPMask": Row("cpmask"),
    "CPMask, taught masks alone": Row("cpmask", asides=0.0),
    "YOLACT": Row("yolact"),
    "HTC": Row("htc3"),
    "Cascade Mask R-CNN": Row("cascade-mask"),
    "FCN-8s": Row("fcn8"),
    "PSPNet": Row("psp"),
}

# What needs no learning.
FLOORS = {"filled box": "box", "ellipse": "ellipse", "GrabCut": "grabcut"}

# The classes whose masks are learnt from, and what to call the way from them to all others.
DIRECTIONS = {"voc": "VOC → non-VOC", "non-voc": "non-VOC → VOC"}
BUDGETS = {"steps": "equal steps and widths", "cost": "equal steps and multiply-adds"}
LEARNT_FROM_NOTHING = "none"


@dataclass(frozen=True)
class Run:
    """A row at some width, taught once; or what needs no teaching."""

    row: str
    width: int
    seen: str
    seed: int

    @property
    def name(self) -> str:
        """Name the run, as a folder may be called."""
        words = "".join(letter if letter.isalnum() else "-" for letter in self.row.lower())
        return f"{words}-{self.width}-{self.seen}-{self.seed}"

    def recipe(self, settings: Settings) -> TrainConfig:
        """Return all that the run is made of but its files."""
        row, recipe = ROWS[self.row], preset("zoom-exact")
        return replace(
            recipe,
            model=row.config(self.width, settings),
            augment=replace(recipe.augment, box_jitter=0.0),
            loss=replace(recipe.loss, asides=row.asides),
            optimiser=replace(recipe.optimiser, warm_up=settings.steps // 10, ema=None),
            seen=self.seen,
            boxes="gt+noisy" if row.noisy else "gt",
            steps=settings.steps,
            batch=settings.batch,
            pretrained=settings.backbone != "tiny",
            truth_side=2 * settings.crop_size,
            seed=1 + self.seed,  # 0 is that of the start
        )


def cost(row: str, width: int, settings: Settings) -> Cost:
    """Count what a row's head costs at some width."""
    return head_cost(ROWS[row].config(width, settings))


@cache
def width_of(row: str, budget: str, settings: Settings) -> int:
    """Return how wide a row's head is under a budget: of its kind, or of the reference's cost."""
    if row in FLOORS:
        return 0
    if budget == "steps" or row == REFERENCE or not ROWS[row].widens:
        return settings.width
    wanted = cost(REFERENCE, settings.width, settings).per_box
    width = settings.width
    for _ in range(3):  # costs grow with the square of the width, or a little slower
        ratio = wanted / cost(row, width, settings).per_box
        width = max(2, round(width * math.sqrt(ratio)))
    return width


def runs(
    rows: Sequence[str], budgets: Sequence[str], seeds: int, settings: Settings
) -> Iterator[Run]:
    """Yield all runs once, one seed after another, the floors first."""
    seen: dict[Run, None] = {}
    for row in rows:
        if row in FLOORS:
            seen[Run(row, 0, LEARNT_FROM_NOTHING, 0)] = None
    for seed in range(seeds):
        for budget in budgets:
            for row in rows:
                if row not in FLOORS:
                    width = width_of(row, budget, settings)
                    seen |= dict.fromkeys(Run(row, width, way, seed) for way in DIRECTIONS)
    yield from seen
