"""The network family: heads, backbones, and the three ways to look at a box."""

from boxmask.models.config import ModelConfig
from boxmask.models.network import MaskNetwork, Prediction, build
from boxmask.models.views import Views, cut_views, large_boxes

__all__ = ["MaskNetwork", "ModelConfig", "Prediction", "Views", "build", "cut_views", "large_boxes"]
