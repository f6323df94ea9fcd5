"""The network family: heads, backbones, and the three ways to look at a box.

Nothing is imported before it is used: only what computes with PyTorch imports it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boxmask.models.config import ModelConfig
    from boxmask.models.cuts import Cuts, cut, large_boxes
    from boxmask.models.network import MaskNetwork, Prediction, build
    from boxmask.models.views import Views, cut_views

_HOMES = {
    "ModelConfig": "config",
    "Cuts": "cuts",
    "cut": "cuts",
    "large_boxes": "cuts",
    "MaskNetwork": "network",
    "Prediction": "network",
    "build": "network",
    "Views": "views",
    "cut_views": "views",
}
__all__ = [
    "Cuts",
    "MaskNetwork",
    "ModelConfig",
    "Prediction",
    "Views",
    "build",
    "cut",
    "cut_views",
    "large_boxes",
]

if not TYPE_CHECKING:  # else a misspelt name would be of any type

    def __getattr__(name: str) -> object:
        if name in _HOMES:
            return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
