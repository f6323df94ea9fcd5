"""Convolutions as HTC and CPMask have them: without norms.

Shapes: N boxes, C channels, R a side.
"""

from torch import nn


def convolutions(channels: int) -> nn.Sequential:
    """Build four 3x3 convolutions with ReLU that keep channels and size."""
    layers: list[nn.Module] = []
    for _ in range(4):
        layers += [nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def predictor(channels: int) -> nn.Sequential:
    """Build what maps features (N,C,R,R) to logits (N,1,2R,2R)."""
    return nn.Sequential(
        nn.ConvTranspose2d(channels, channels, 2, stride=2),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, 1, 1),
    )


def to_channels(inputs: int, channels: int) -> nn.Module:
    """Build what gives a crop the head's channels; the published crops have them already."""
    return nn.Identity() if inputs == channels else nn.Conv2d(inputs, channels, 1)
