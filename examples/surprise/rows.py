"""What is compared: the rows of the table, the two directions, and what all runs have in common."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from boxmask.models import ModelConfig


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is the same for every row."""

    train: Path
    val: Path
    images: Path
    out: Path
    backbone: str = "efficientnet-lite0"
    image_size: int = 384
    view_size: int = 96
    width: int = 16
    """Base channels of the mask heads; the paper has 64."""
    steps: int = 600
    batch: int = 2
    """Images in a step: on so few data, many small steps teach more than few large ones."""
    boxes: int = 8
    """Boxes of one image in a step at most, so that crowds do not fill it."""
    rate: float = 2e-3
    """Highest learning rate: reached after a tenth of the steps, falling to 0 by a cosine."""


@dataclass(frozen=True)
class Row:
    """One way to build and train a mask head."""

    head: str
    family: str = "deepmac"
    noisy: bool = False
    """Train half of the crops on boxes that overlap the truth by 0.5 and more, as proposals do."""
    instance: bool = True
    coordinates: bool = True
    seeds: int = 1

    def config(self, settings: Settings) -> ModelConfig:
        """Describe the row's network."""
        return ModelConfig(
            family=self.family,
            backbone=settings.backbone,
            feature_channels=2 * settings.width,
            head=self.head,
            head_channels=settings.width,
            image_size=settings.image_size,
            view_size=settings.view_size,
            embedding_channels=4 * settings.width,
            use_coordinates=self.coordinates,
            use_instance=self.instance,
            quality=False,
        )


ROWS = {
    "ResNet-4": Row("resnet4", seeds=3),
    "ResNet-20": Row("resnet20"),
    "Hourglass-10": Row("hourglass10"),
    "Hourglass-20": Row("hourglass20", seeds=3),
    "Hourglass-20, no long-range skips": Row("hourglass20-no-lrs"),
    "Hourglass-20, no encoder-decoder": Row("hourglass20-no-ed"),
    "Fully connected, 2 layers": Row("fc2"),
    "ResNet-4, GT + noisy boxes": Row("resnet4", noisy=True),
    "Hourglass-20, GT + noisy boxes": Row("hourglass20", noisy=True),
    "ResNet-4, no embedding, no coordinates": Row("resnet4", instance=False, coordinates=False),
    "Hourglass-20, no instance embedding": Row("hourglass20", instance=False),
    "Hourglass-20, no coordinates": Row("hourglass20", coordinates=False),
    "Hourglass-20, neither": Row("hourglass20", instance=False, coordinates=False),
    "Zoom: ResNet-4": Row("resnet4", family="zoom"),
    "Zoom: Hourglass-20": Row("hourglass20", family="zoom"),
}

# The classes whose masks are trained on, and what to call the way from them to all others.
DIRECTIONS = {"voc": "VOC → non-VOC", "non-voc": "non-VOC → VOC"}


@dataclass(frozen=True)
class Run:
    """One row, trained once."""

    row: str
    seen: str
    seed: int


def runs(rows: Sequence[str]) -> Iterator[Run]:
    """Yield all runs of some rows, one seed after another: an early end leaves whole tables."""
    for seed in range(max(ROWS[row].seeds for row in rows)):
        for row in rows:
            if seed < ROWS[row].seeds:
                yield from (Run(row, seen, seed) for seen in DIRECTIONS)
