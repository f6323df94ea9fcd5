"""What a training run is: every number of a recipe, in frozen dataclasses.

`boxmask train --set GROUP.FIELD=VALUE` reaches each field by its name here.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from boxmask.models.config import ModelConfig

Normalise = Literal["image", "batch", "pixels"]
Schedule = Literal["cosine", "steps", "constant"]
Jitter = Literal["default", "expand", "shrink", "symmetric", "symmetric-xy"]


@dataclass(frozen=True)
class Augment:
    """How a training picture is varied; a probability or range of 0 turns an entry off."""

    flip: float = 0.5  # probability of a mirrored picture
    brightness: float = 0.0  # added, as a fraction of white, drawn from +-
    contrast: float = 0.0  # drawn from 1/(1+c) .. 1+c about the mean
    saturation: float = 0.0  # likewise
    hue: float = 0.0  # turned by +- this fraction of the colour circle
    gray: float = 0.0  # probability of a picture without colour
    blur: float = 0.0  # probability of a blurred, or shrunk and enlarged, picture
    noise: float = 0.0  # most grain, as a fraction of white, in half of the pictures
    warp: float = 0.5  # probability that a picture is turned and stretched at all
    rotate: float = 0.0  # degrees, drawn from +-
    stretch: float = 0.0  # height over width, drawn from 1/(1+s) .. 1+s
    context: float = 0.0  # zoom: context drawn from 1/(1+c) .. 1+c of the model's
    scale_crop: tuple[float, float] | None = None  # whole images: square crop over longest side
    paste: float = 0.0  # probability that cut-outs of other pictures are pasted in
    paste_most: int = 3  # pasted cut-outs at most
    strands: float = 0.0  # share of bundles that is drawn: cables, twigs, forks, not other pictures
    paste_target: float = 0.3  # zoom: probability that a pasted cut-out is what is asked for
    box_jitter: float = 0.0  # ratio by which the sides of a box move
    box_jitter_mode: Jitter = "default"
    loose: float = 0.0  # window masks: probability of a box that is not exact, and told to be so
    loosest: float = 0.2  # most standard error of its sides, as a fraction of them
    neighbours: float = 0.7  # window masks: probability that the boxes around are told
    view_sizes: tuple[int, ...] = ()  # zoom: drawn from for each step; else the model's


@dataclass(frozen=True)
class LossWeights:
    """What the sum of losses is made of, and over what each is averaged."""

    mask: float = 5.0  # binary cross-entropy with soft targets
    dice: float = 0.0
    quality: float = 1.0  # expected IoU against the true IoU
    auxiliary: bool = True  # earlier hourglass stacks learn as well
    normalise: Normalise = "image"  # per image as the paper, over the batch, or over its pixels


@dataclass(frozen=True)
class Optimiser:
    """The optimiser, its groups and its learning rate over the steps."""

    name: Literal["adam", "adamw", "sgd"] = "adamw"
    lr: float = 1e-3
    backbone_lr: float = 1.0  # times lr
    freeze_backbone: bool = False
    freeze_halvings: int = 0  # of the view, from the first: the backbone stays as it is up to there
    weight_decay: float = 0.0  # not on norms and biases
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    momentum: float = 0.9
    schedule: Schedule = "cosine"
    warm_up: int = 0  # steps
    warm_up_from: float = 0.0  # fraction of lr at the first step
    drops: tuple[int, ...] = ()  # "steps": lr is divided by ten at each
    final: float = 0.0  # "cosine": fraction of lr at the last step
    clip: float | None = None  # largest norm of the gradient
    ema: float | None = None  # decay of the averaged weights


@dataclass(frozen=True)
class TrainConfig:
    """A whole recipe. Data files and folders are no part of it."""

    model: ModelConfig = field(default_factory=ModelConfig)
    augment: Augment = field(default_factory=Augment)
    loss: LossWeights = field(default_factory=LossWeights)
    optimiser: Optimiser = field(default_factory=Optimiser)
    seen: str = "all"  # voc, non-voc, all, a file, or names with commas between
    boxes: Literal["gt", "gt+noisy"] = "gt"  # what is cropped: the truth, or also boxes near it
    noisy_iou: float = 0.5  # "gt+noisy": the least IoU of a drawn box with the truth
    steps: int = 1000
    batch: int = 8  # pictures a step; boxes a step for the zoom family
    accumulate: int = 1  # parts that a step's batch is computed in
    max_boxes: int = 100  # per picture
    min_side: float = 2.0  # pixels; smaller boxes teach nothing
    unseen_boxes: bool = False  # unseen boxes pass the network too, with weight zero
    balance: float = 0.0  # 0 draws by frequency, 1 draws every class equally often
    source_balance: float = 0.0  # likewise for the annotation files
    source_weights: tuple[float, ...] = ()  # times this, one for each annotation file
    pretrained: bool = True  # the backbone starts from its ImageNet weights, where it has them
    freeze_norm: bool = False  # batch statistics stay as they are
    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last: bool = False
    workers: int = 1  # processes that prepare batches; 0 prepares them in the training process
    cache_gib: float = 4.0  # decoded pictures kept in memory, over all workers
    validate_every: int = 500  # steps
    holdout: int = 0  # without validation files: one image in so many is measured on, not learnt
    validate_images: int = 500  # measured on at most so many images, evenly spread
    save_every: int = 250  # steps
    log_every: int = 20  # steps
    truth_side: int = 64  # pixel rows and columns at which the true IoU is measured, at most
    seed: int = 0

    @property
    def loss_weights(self) -> LossWeights:
        """The losses of this model: without a quality head there is none for it."""
        return self.loss if self.model.quality else replace(self.loss, quality=0.0)
