"""The config of a network so small that tests can build and run it at will."""

from boxmask.models import ModelConfig

SMALL = ModelConfig(
    backbone="tiny", view_size=64, feature_channels=16, embedding_channels=16, head_channels=4
)
