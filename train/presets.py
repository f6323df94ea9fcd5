"""Recipes by name, for the models of those names.

The paper's are as published; the light ones fit two CPU cores.
"""

from dataclasses import replace

from boxmask.errors import ConfigError
from boxmask.models.presets import PRESETS as MODELS
from boxmask.train.recipe import Augment, LossWeights, Optimiser, TrainConfig

# The released Deep-MAC configs, whose runs start from a detection checkpoint that is not at hand.
_DEEPMAC = TrainConfig(
    model=MODELS["deepmac-512"],
    augment=Augment(
        flip=0.5,
        hue=0.02,
        contrast=0.25,
        saturation=0.25,
        brightness=0.2,
        scale_crop=(0.6, 1.3),
    ),
    loss=LossWeights(mask=5.0, quality=0.0, normalise="image"),
    optimiser=Optimiser(name="adam", lr=1e-3, epsilon=1e-7, warm_up=5000, warm_up_from=0.25),
    seen="voc",
    pretrained=False,  # there are no ImageNet weights of an Hourglass
    batch=128,
    steps=50_000,
    unseen_boxes=True,
    precision="bfloat16",
    workers=8,
    validate_every=2500,
    save_every=500,
)

# The released Deep-MARC configs, but for the targets: they are sampled at 64x64 by the operator
# that masks are pasted with, and not at 112x112 and then reduced by another.
_DEEPMARC = TrainConfig(
    model=MODELS["deepmarc-r50"],
    augment=Augment(flip=0.5, scale_crop=(0.8, 1.25)),
    loss=LossWeights(mask=1.0, quality=0.0, auxiliary=False, normalise="pixels"),
    optimiser=Optimiser(
        name="sgd",
        lr=0.12,
        weight_decay=4e-5,
        schedule="steps",
        drops=(50_000, 65_000),
        warm_up=500,
        warm_up_from=0.0067 / 0.12,
    ),
    seen="voc",
    batch=64,
    steps=70_000,
    precision="bfloat16",
    workers=8,
    validate_every=2500,
    save_every=500,
)

# From nothing, over about 500 epochs of COCO.
_DEEPMARC_SPINENET = replace(
    _DEEPMARC,
    model=MODELS["deepmarc-spinenet143-hg52"],
    augment=Augment(flip=0.5, scale_crop=(0.1, 2.0)),
    optimiser=replace(
        _DEEPMARC.optimiser,
        lr=0.32,
        drops=(219_450, 226_380),
        warm_up=2000,
        warm_up_from=0.0067 / 0.32,
    ),
    pretrained=False,
    batch=256,
    steps=231_000,
)

_VARIED = Augment(
    flip=0.5,
    brightness=0.15,
    contrast=0.4,
    saturation=0.4,
    hue=0.03,
    gray=0.05,
    blur=0.1,
    noise=0.03,
    rotate=25,
    warp=0.5,
    stretch=0.25,
    context=0.15,
    paste=0.4,
    paste_most=2,
    paste_target=0.35,
    box_jitter=0.06,
)

# As boxmask 0.1 had it: masks inside boxes that are taken for exact.
_ZOOM_EXACT = TrainConfig(
    model=MODELS["zoom-exact"],
    augment=_VARIED,
    loss=LossWeights(mask=5.0, dice=2.0, quality=1.0, normalise="batch"),
    optimiser=Optimiser(
        lr=1e-3,
        backbone_lr=0.3,
        weight_decay=0.02,
        warm_up=200,
        warm_up_from=0.05,
        clip=5.0,
        ema=0.999,
    ),
    batch=32,
    steps=3000,
    balance=0.3,
    source_balance=0.3,
    channels_last=True,
    validate_every=250,
    save_every=100,
)

# Sees how loose a box is and where its neighbours are.
_ZOOM = replace(
    _ZOOM_EXACT,
    model=MODELS["zoom"],
    augment=replace(
        _VARIED,
        box_jitter=0.0,
        loose=0.5,
        loosest=0.22,
        neighbours=0.75,
        paste=0.55,
        paste_target=0.5,
        strands=0.55,
        view_scales=(0.78, 0.89, 1.0, 1.11),
    ),
    # Half of a window's cells lie outside an exact box, where there is nothing to be wrong about.
    loss=replace(_ZOOM_EXACT.loss, mask=8.0),
)

_LITE = TrainConfig(
    model=MODELS["lite"],
    augment=Augment(
        flip=0.5,
        brightness=0.15,
        contrast=0.25,
        saturation=0.25,
        hue=0.02,
        rotate=15,
        warp=0.3,
        scale_crop=(0.6, 1.3),
        paste=0.3,
    ),
    loss=LossWeights(mask=5.0, dice=2.0, quality=1.0, normalise="batch"),
    optimiser=Optimiser(
        lr=1e-3, backbone_lr=0.3, weight_decay=0.02, warm_up=100, clip=5.0, ema=0.995
    ),
    batch=4,
    steps=2000,
    max_boxes=30,
    channels_last=True,
    validate_every=250,
    save_every=100,
)

_TINY = TrainConfig(
    model=MODELS["tiny"],
    augment=Augment(rotate=30),
    loss=LossWeights(dice=2.0, normalise="batch"),
    optimiser=Optimiser(lr=6e-3, warm_up=10, clip=5.0, ema=0.98),
    batch=16,
    steps=600,
    workers=0,
    truth_side=32,
    validate_every=100,
    save_every=100,
)

_TINY_CENTERNET = TrainConfig(
    model=MODELS["tiny-centernet"],
    augment=Augment(flip=0.5, brightness=0.1, contrast=0.2, saturation=0.2),
    loss=LossWeights(mask=2.0, dice=1.0, quality=1.0, normalise="batch"),
    optimiser=Optimiser(
        lr=2e-3, backbone_lr=0.5, weight_decay=0.02, warm_up=30, clip=10.0, ema=0.98
    ),
    # What a step teaches hardly depends on its images, and what it costs does: few, and more steps.
    batch=4,
    steps=1000,
    channels_last=True,
    workers=0,
    truth_side=32,
    validate_every=250,
    save_every=100,
)

PRESETS: dict[str, TrainConfig] = {
    "deepmac-512": _DEEPMAC,
    "deepmac-1024": replace(_DEEPMAC, model=MODELS["deepmac-1024"]),
    "deepmarc-r50": _DEEPMARC,
    "deepmarc-r101": replace(_DEEPMARC, model=MODELS["deepmarc-r101"]),
    "deepmarc-spinenet143-hg52": _DEEPMARC_SPINENET,
    "lite": _LITE,
    "tiny": _TINY,
    "tiny-centernet": _TINY_CENTERNET,
    "tiny-faster-rcnn": replace(_TINY_CENTERNET, model=MODELS["tiny-faster-rcnn"]),
    "zoom": _ZOOM,
    "zoom-exact": _ZOOM_EXACT,
    # Of the bundled model, and to be started from it: see docs/training.md.
    "zoom-tinyvit": replace(_ZOOM, model=MODELS["zoom-tinyvit"]),
}


def preset(name: str) -> TrainConfig:
    """Return a recipe by its name."""
    if name not in PRESETS:
        known = ", ".join(sorted(PRESETS))
        raise ConfigError(f"no preset is called {name!r}; known presets: {known}.")
    return PRESETS[name]
