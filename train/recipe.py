"""What a training run is: every number of a recipe, in frozen dataclasses.

`boxmask train --set GROUP.FIELD=VALUE` reaches each field by its name here. Limits stand in the
types and hold for what is read from text; what fields demand of one another is in `check_recipe`.
"""

from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from msgspec import Meta

from boxmask.errors import ConfigError
from boxmask.models.config import ModelConfig, with_view_size

Normalise = Literal["image", "batch", "pixels"]
Schedule = Literal["cosine", "steps", "constant"]
Jitter = Literal["default", "expand", "shrink", "symmetric", "symmetric-xy"]

Share = Annotated[float, Meta(ge=0, le=1)]
NotNegative = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]

_LEAST_VIEW = 32  # pixels: the coarsest map of a smaller view would be nothing
_VIEW_STEP = 16  # pixels: scaled views are multiples of it


@dataclass(frozen=True)
class Augment:
    """How a training image is varied; a probability or range of 0 turns an entry off."""

    flip: Share = 0.5  # probability of a mirrored image
    brightness: float = 0.0  # added, as a fraction of white, drawn from +-
    contrast: float = 0.0  # drawn from 1/(1+c) .. 1+c about the mean
    saturation: float = 0.0  # likewise
    hue: float = 0.0  # turned by +- this fraction of the colour circle
    gray: Share = 0.0  # probability of an image without colour
    blur: Share = 0.0  # probability of a blurred, or shrunk and enlarged, image
    noise: float = 0.0  # most grain, as a fraction of white, in half of the images
    warp: Share = 0.5  # probability that an image is turned and stretched at all
    rotate: float = 0.0  # degrees, drawn from +-
    turn: Share = 0.0  # zoom: probability that the frame is that of the smallest box around a mask
    stretch: float = 0.0  # height over width, drawn from 1/(1+s) .. 1+s
    context: float = 0.0  # zoom: context drawn from 1/(1+c) .. 1+c of the model's
    scale_crop: tuple[float, float] | None = None  # whole images: square crop over longest side
    paste: Share = 0.0  # probability that cut-outs of other images are pasted in
    paste_most: Positive = 3  # pasted cut-outs at most
    strands: Share = 0.0  # share of bundles that is drawn: cables, twigs, forks, not other images
    paste_target: Share = 0.3  # zoom: probability that a pasted cut-out is what is asked for
    box_jitter: Annotated[float, Meta(ge=0, le=0.9)] = 0.0  # ratio by which the sides of a box move
    box_jitter_mode: Jitter = "default"
    loose: Share = 0.0  # window masks: probability of a box that is not exact, and told to be so
    # Window masks: most standard error of the sides of such a box, as a fraction of them.
    loosest: Annotated[float, Meta(ge=0, le=0.5)] = 0.2
    neighbours: Share = 0.7  # window masks: probability that the boxes around are told
    view_scales: tuple[float, ...] = ()  # zoom: of the model's view size, drawn for each step
    view_sizes: tuple[int, ...] = ()  # zoom: the same in pixels; given, it counts instead


@dataclass(frozen=True)
class LossWeights:
    """What the sum of losses is made of, and over what each is averaged."""

    mask: float = 5.0  # binary cross-entropy with soft targets
    dice: float = 0.0
    asides: float = 1.0  # times mask: what some heads are taught beside it, such as outlines
    quality: float = 1.0  # expected IoU against the true IoU
    detection: float = 1.0  # times a detector's own losses
    auxiliary: bool = True  # earlier hourglass stacks learn as well
    normalise: Normalise = "image"  # per image as the paper, over the batch, or over its pixels


@dataclass(frozen=True)
class Optimiser:
    """The optimiser, its groups and its learning rate over the steps."""

    name: Literal["adam", "adamw", "sgd"] = "adamw"
    lr: NotNegative = 1e-3
    backbone_lr: float = 1.0  # times lr
    freeze_backbone: bool = False
    # Of the view, from the first: the backbone stays as it is up to there.
    freeze_halvings: Annotated[int, Meta(ge=0, le=5)] = 0
    weight_decay: float = 0.0  # not on norms and biases
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    momentum: float = 0.9
    schedule: Schedule = "cosine"
    warm_up: Count = 0  # steps
    warm_up_from: float = 0.0  # fraction of lr at the first step
    drops: tuple[int, ...] = ()  # "steps": lr is divided by ten at each
    final: float = 0.0  # "cosine": fraction of lr at the last step
    clip: float | None = None  # largest norm of the gradient
    ema: Annotated[float, Meta(ge=0, lt=1)] | None = None  # decay of the averaged weights

    @property
    def ends_with_steps(self) -> bool:
        """Whether the rate of a step depends on how many there are in all."""
        return self.schedule == "cosine"


@dataclass(frozen=True)
class TrainConfig:
    """A whole recipe. Data files and folders are no part of it."""

    model: ModelConfig = field(default_factory=ModelConfig)
    augment: Augment = field(default_factory=Augment)
    loss: LossWeights = field(default_factory=LossWeights)
    optimiser: Optimiser = field(default_factory=Optimiser)
    seen: str = "all"  # voc, non-voc, all, a file, or names with commas between
    # What is cropped: the truth, also boxes near it, or the detector's proposals that hit it.
    boxes: Literal["gt", "gt+noisy", "proposals"] = "gt"
    # "gt+noisy": the least IoU of a drawn box with the truth.
    noisy_iou: Annotated[float, Meta(ge=0.1, le=0.99)] = 0.5
    steps: Positive = 1000
    batch: Positive = 8  # images a step; boxes a step for the zoom family
    accumulate: Positive = 1  # parts that a step's batch is computed in
    max_boxes: Positive = 100  # per image
    min_side: NotNegative = 2.0  # pixels; smaller boxes teach nothing
    unseen_boxes: bool = False  # unseen boxes pass the network too, with weight zero
    balance: Share = 0.0  # 0 draws by frequency, 1 draws every class equally often
    source_balance: Share = 0.0  # likewise for the annotation files
    source_weights: tuple[float, ...] = ()  # times this, one for each annotation file
    pretrained: bool = True  # the backbone starts from its ImageNet weights, where it has them
    freeze_norm: bool = False  # batch statistics stay as they are
    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last: bool = False
    workers: Count = 1  # processes that prepare batches; 0 prepares them in the training process
    cache_gib: NotNegative = 4.0  # decoded images kept in memory, over all workers
    validate_every: Positive = 500  # steps
    holdout: Count = 0  # without validation files: one image in so many is measured on, not learnt
    validate_images: Positive = 500  # measured on at most so many images, evenly spread
    save_every: Positive = 250  # steps
    log_every: Positive = 20  # steps
    # Pixel rows and columns at which the true IoU is measured, at most.
    truth_side: Annotated[int, Meta(ge=2)] = 64
    seed: Count = 0

    @property
    def loss_weights(self) -> LossWeights:
        """The losses of this model: without a quality head there is none for it."""
        return self.loss if self.model.quality else replace(self.loss, quality=0.0)

    @property
    def view_sizes(self) -> tuple[int, ...]:
        """The sizes of view, pixels, that one is drawn from for each step; none: the model's."""
        size, augment = self.model.view_size, self.augment
        scaled = (_VIEW_STEP * round(size * scale / _VIEW_STEP) for scale in augment.view_scales)
        return augment.view_sizes or tuple(scaled)

    def in_pixels(self) -> "TrainConfig":
        """Return the same recipe with its sizes of view in pixels, as older run folders have it."""
        return replace(
            self, augment=replace(self.augment, view_scales=(), view_sizes=self.view_sizes)
        )


def check_recipe(config: TrainConfig) -> None:
    """Raise a ConfigError for fields that do not go together."""
    if config.holdout == 1:
        raise ConfigError("holdout is 1, which leaves nothing to learn from; give 2 or more, or 0.")
    _check_view_sizes(config)
    if config.boxes == "proposals" and config.model.detector != "faster-rcnn":
        raise ConfigError(
            "boxes=proposals learns masks on what the detector faster-rcnn proposes; set "
            f"model.detector to that, not {config.model.detector}."
        )
    if config.boxes == "proposals" and config.loss_weights.quality:
        raise ConfigError(
            "boxes=proposals moves boxes, for which the IoU to expect is not learnt; set "
            "model.quality=false."
        )
    if config.model.window_masks and (config.boxes != "gt" or config.augment.box_jitter):
        raise ConfigError(
            "boxes and augment.box_jitter move boxes that the network is told to be exact; with "
            "model.window_masks use augment.loose."
        )


def _check_view_sizes(config: TrainConfig) -> None:
    if config.view_sizes and not config.model.view_per_box:
        raise ConfigError(
            "augment.view_scales and augment.view_sizes are for family zoom, not "
            f"{config.model.family}; set them to []."
        )
    said = "augment.view_sizes has" if config.augment.view_sizes else "augment.view_scales makes"
    for side in config.view_sizes:
        if side < _LEAST_VIEW:
            raise ConfigError(f"{said} {side}; give {_LEAST_VIEW} or more pixels.")
        with_view_size(config.model, side)
