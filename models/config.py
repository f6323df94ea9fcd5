"""What a network is made of, as one frozen record that travels inside its weights file."""

from dataclasses import dataclass, fields, replace
from typing import Annotated, Literal

import msgspec

from boxmask.errors import ConfigError
from boxmask.models.hints import PLANES
from boxmask.unreadable import UNREADABLE

_FAMILIES = ("deepmac", "deepmarc", "zoom")
MAX_WINDOW_CONTEXT = (
    2.0  # context of window masks: they reach at most a side beyond a box, loose or not
)
# No network needs more, and memory is asked for by these numbers.
_MOST = {
    "image_size": 8192,
    "view_size": 1024,
    "large_view_size": 1024,
    "crop_size": 1024,
    "mask_size": 1024,
    "context": 16.0,
    "center_square": 63,
    "center_layers": 16,
}
_MOST_CHANNELS = 8192
_LIGHT = ("tiny", "efficientnet-lite")  # how the names of light backbones begin
# Heads that ask what a box is: masks are made for boxes of the detector's classes alone.
BY_CLASS = ("fcn-classes", "maskx")
MAP_STRIDE = 4  # pixels of a view to a cell of the features, each way


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """How head `maskx` makes the last layer of a class's mask from its weights in the box head."""

    source: Literal["cls", "box", "cls+box", "random"] = "cls+box"
    """Of its classifier, its regressor or both; random numbers mean nothing, for comparison."""
    layers: Annotated[int, msgspec.Meta(ge=1, le=3)] = 2
    activation: Literal["leaky-relu", "relu", "none"] = "leaky-relu"
    stop_gradient: bool = True
    """Masks do not teach the box head, which then treats all classes alike."""
    dense: bool = True
    """Add the logits of a dense layer that knows no classes."""


TRANSFER = Transfer()


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """A network's family, parts and sizes; sides are in pixels or cells, and all are square."""

    family: str = "zoom"
    backbone: str = "efficientnet-lite0"
    feature_channels: int = 64
    """Channels of the maps that the light backbones make; those of the others are fixed."""
    head: str = "hourglass20"
    head_channels: int = 64
    """The head's base channels, the papers' nc."""
    crop_size: int = 32
    mask_size: int = 32
    """As large as the crop, or twice that through an upsampling mask predictor."""
    image_size: int = 1024
    """The long side of the image, for the families that see it whole."""
    pad_square: bool = True
    """Pad whole images to a square, as published, or only to the next multiple of 128."""
    view_size: int = 144
    """The side of a box's own view, for Zoom."""
    large_view_size: int | None = None
    """The side of a large box's view when masks are made, for Zoom: see `views.large_boxes`."""
    context: float = 1.4
    """The side of that view's window, in sides of the box."""
    window_masks: bool = False
    """Masks span the view's window, not its box, and the network sees how tight the box is and
    where its neighbours are (hints.py): for Zoom with a backbone that can see hints. Then crop_size
    is a quarter of view_size, and mask_size half of it."""
    pixel_channels: int = 16
    instance_channels: int = 32
    embedding_channels: int = 256
    """Hidden channels of the two embeddings."""
    use_coordinates: bool = True
    use_instance: bool = True
    quality: bool = True
    """Learn the expected IoU; without it, it is estimated from the mask's own probabilities."""
    norm_momentum: Literal["torch", "paper"] = "torch"
    """See norm.py."""
    detector: str | None = None
    """What finds boxes (detectors), for the families that see whole images; None finds none."""
    anchor_cells: int = 8
    """The side of a proposing detector's anchors, in cells of their level: 32 pixels or more."""
    fcos_stride: int = 8
    """The finest level that fcos looks at, in pixels to a cell: in small views 4 sees more."""
    box_samples: int = 512
    """Proposals of an image that such a detector's box head learns from, at most."""
    center_square: int = 1
    """The side in cells, 1, 3 ..., of the square around a centre where centernet learns boxes."""
    center_layers: int = 1
    """The 3 x 3 convolutions of each head of centernet; where there are more than one, normed."""
    transfer: Transfer = TRANSFER
    """For head maskx."""
    classes: tuple[str, ...] = ()
    """What a detector tells apart; training fills in those of its data."""
    class_ids: tuple[int | str, ...] = ()
    """The ids of the classes in the data."""

    def __post_init__(self) -> None:
        if self.family not in _FAMILIES:
            known = ", ".join(_FAMILIES)
            raise ConfigError(f"no family is called {self.family!r}; known families: {known}.")
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) in (int, float) and value <= 0:
                raise ConfigError(f"{field.name} is {value}; give a number above 0.")
            most = _MOST.get(field.name, _MOST_CHANNELS)
            if type(value) in (int, float) and value > most:
                raise ConfigError(f"{field.name} is {value}; give {most} or less.")
        if self.context < 1:
            raise ConfigError(f"context is {self.context}; a view must hold its box, so 1 or more.")
        if self.center_square % 2 == 0:
            raise ConfigError(f"center_square is {self.center_square}; give an odd number.")
        if self.large_view_size is not None and self.large_view_size <= self.view_size:
            raise ConfigError(
                f"large_view_size is {self.large_view_size}; give more than view_size, "
                f"{self.view_size}, or leave it out."
            )
        if self.window_masks:
            self._check_windows()
        self._check_sides()

    def _check_windows(self) -> None:
        if not self.view_per_box:
            raise ConfigError(f"window_masks is for family zoom, not {self.family}.")
        for name in ("view_size", "large_view_size"):
            side = getattr(self, name)
            if side is not None and side % MAP_STRIDE:
                raise ConfigError(
                    f"{name} is {side}; with window_masks give a multiple of {MAP_STRIDE}."
                )
        if self.context > MAX_WINDOW_CONTEXT:
            raise ConfigError(
                f"context is {self.context}; with window_masks give {MAX_WINDOW_CONTEXT} or less."
            )
        # The head sees all of the backbone's map: its sides are not free.
        object.__setattr__(self, "crop_size", self.view_size // MAP_STRIDE)
        object.__setattr__(self, "mask_size", 2 * self.crop_size)

    def _check_sides(self) -> None:
        crop, mask = self.crop_size, self.mask_size
        if crop < 2:
            raise ConfigError(f"crop_size is {crop}; a crop has its corners, so 2 or more.")
        if mask == 2 * crop:
            return  # as any family and head can
        # Here, because heads are made of PyTorch, which takes longer to import than all else.
        from boxmask.models.heads import HEADS

        head = HEADS.get(self.head)  # An unknown one is an error where it is built.
        upsamples = self.family == "deepmarc" or (head is not None and head.always_upsamples)
        allowed = (2 * crop,) if upsamples else (crop, 2 * crop)
        if mask not in allowed:
            wanted = " or ".join(str(side) for side in allowed)
            raise ConfigError(
                f"mask_size is {mask}; family {self.family} with head {self.head} makes masks "
                f"of side {wanted} from crops of side {crop}; give that mask_size, or another "
                "crop_size."
            )

    @property
    def by_class(self) -> bool:
        """Whether masks depend on what a box is said to be."""
        return self.head in BY_CLASS

    @property
    def view_per_box(self) -> bool:
        """Whether every box has a view of its own, rather than one view per image."""
        return self.family == "zoom"

    @property
    def region_channels(self) -> int:
        """Channels of what the head is given for a box."""
        if self.family == "deepmarc":
            return self.feature_channels if self.backbone.startswith(_LIGHT) else 256
        embedded = (
            2 * self.use_coordinates
            + self.pixel_channels
            + self.use_instance * self.instance_channels
        )
        return embedded + self.window_masks * (len(PLANES) - 2 + self.feature_channels)

    @property
    def quality_channels(self) -> int:
        """Channels that the quality head sees: all but the backbone's own map, which is last."""
        return self.region_channels - self.window_masks * self.feature_channels

    def to_json(self) -> str:
        """Write the config as one line of JSON."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str) -> "ModelConfig":
        """Read a config; unknown names and wrong types are errors, missing ones take defaults."""
        try:
            raw = msgspec.json.decode(text, type=dict[str, object])
            config = msgspec.convert(raw, cls)
        except msgspec.ValidationError as error:
            raise ConfigError(f"the model config does not fit: {error}.") from error
        except UNREADABLE as error:
            raise ConfigError(f"the model config is not JSON: {error}.") from error
        unknown = sorted(set(raw) - {field.name for field in fields(cls)})
        if unknown:
            raise ConfigError(
                f"the model config has {', '.join(unknown)}, which this version does not know; "
                "use the version of boxmask that wrote it, or a newer one."
            )
        return config


def with_view_size(config: ModelConfig, side: int) -> ModelConfig:
    """Return a config of another view size; window masks grow with it."""
    larger = None if (config.large_view_size or 0) <= side else config.large_view_size
    return replace(config, view_size=side, large_view_size=larger)
