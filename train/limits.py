"""What the numbers of a recipe may be; the networks check their own."""

from math import inf
from operator import attrgetter

from boxmask.errors import ConfigError
from boxmask.models.config import with_view_size
from boxmask.train.recipe import TrainConfig

LEAST_VIEW = 32  # pixels: the coarsest map of a smaller view would be nothing

LIMITS: dict[str, tuple[float, float]] = {
    "steps": (1, inf),
    "batch": (1, inf),
    "accumulate": (1, inf),
    "max_boxes": (1, inf),
    "min_side": (0, inf),
    "noisy_iou": (0.1, 0.99),
    "balance": (0, 1),
    "source_balance": (0, 1),
    "workers": (0, inf),
    "cache_gib": (0, inf),
    "validate_every": (1, inf),
    "validate_images": (1, inf),
    "save_every": (1, inf),
    "log_every": (1, inf),
    "holdout": (0, inf),
    "truth_side": (2, inf),
    "seed": (0, inf),
    "augment.flip": (0, 1),
    "augment.gray": (0, 1),
    "augment.blur": (0, 1),
    "augment.warp": (0, 1),
    "augment.paste": (0, 1),
    "augment.paste_target": (0, 1),
    "augment.strands": (0, 1),
    "augment.paste_most": (1, inf),
    "augment.box_jitter": (0, 0.9),
    "augment.loose": (0, 1),
    "augment.loosest": (0, 0.5),
    "augment.neighbours": (0, 1),
    "optimiser.lr": (0, inf),
    "optimiser.warm_up": (0, inf),
    "optimiser.freeze_halvings": (0, 5),
}


def check(config: TrainConfig) -> None:
    """Raise a ConfigError for a number that no run can be made with."""
    for name, (least, most) in LIMITS.items():
        value = attrgetter(name)(config)
        if not least <= value <= most:
            wanted = f"{least:g} or more" if most == inf else f"{least:g} to {most:g}"
            raise ConfigError(f"{name} is {value}; give {wanted}")
    if config.holdout == 1:
        raise ConfigError("holdout is 1, which leaves nothing to learn from; give 2 or more, or 0")
    check_views(config)
    if config.optimiser.ema is not None and not 0 <= config.optimiser.ema < 1:
        raise ConfigError(f"optimiser.ema is {config.optimiser.ema}; give 0 to below 1, or none")


def check_views(config: TrainConfig) -> None:
    """Raise a ConfigError for views and boxes that the model cannot be shown."""
    model, augment = config.model, config.augment
    if augment.view_sizes and not model.view_per_box:
        raise ConfigError(
            f"augment.view_sizes is for family zoom, not {model.family}; leave it out"
        )
    for side in augment.view_sizes:
        if side < LEAST_VIEW:
            raise ConfigError(f"augment.view_sizes has {side}; give {LEAST_VIEW} or more")
        with_view_size(model, side)
    if model.window_masks and (config.boxes != "gt" or augment.box_jitter):
        raise ConfigError(
            "boxes and augment.box_jitter move boxes that the network is told to be exact; with "
            "model.window_masks use augment.loose"
        )
