"""Thin things drawn to be pasted: cables, ropes, rods, twigs, frames, forks and chains.

Photographs with outlines have few of them, and coarse ones. Those of a bundle lie across one
another and often look the same, so that only the run of a line tells which is which.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from boxmask.train.data.cutpaste import Cutout
from boxmask.train.data.ribbon import Floats, Layer, Look, Ribbon, paint
from boxmask.train.data.strand_shapes import (
    branches,
    chain,
    coil,
    fitted,
    fork,
    grid,
    ring,
    rod,
    slats,
    wander,
    wheel,
)

Random = np.random.Generator
Shape = Callable[[Random, float], list[Ribbon]]
Surface = Literal["plastic", "rope", "wood", "metal"]

_THINNEST = 1.5  # pixels
_THICKEST = 1 / 12  # of the side
SIDES = (16.0, 500.0)  # pixels; among things smaller or larger, these are drawn
_LONGEST = (0.5, 1.4)  # of the side
ALONE = 0.5  # share of bundles of one
_MOST = 5  # in a bundle
_ALIKE = 0.65  # probability that the next of a bundle looks as the one before


@dataclass(frozen=True)
class _Kind:
    """What a bundle is made of, and how often."""

    name: str
    weight: float
    shapes: tuple[Shape, ...]
    surfaces: tuple[Surface, ...]
    thickest: float = _THICKEST
    crossing: bool = True  # its parts lie over one another; else they are one piece
    plugs: float = 0.0  # probability of a thicker block at an end


KINDS = (
    _Kind("cable", 10, (wander,) * 5 + (coil,), ("plastic",), plugs=0.3),
    _Kind("rope", 2, (wander, wander, coil), ("rope",)),
    _Kind("rod", 4, (rod,), ("plastic", "wood", "metal")),
    _Kind("twig", 3, (branches,), ("wood",)),
    _Kind("frame", 4, (ring, wheel, grid, slats), ("metal", "plastic", "wood"), 1 / 18),
    _Kind("fork", 2, (fork,), ("metal", "plastic", "wood"), 1 / 15, crossing=False),
    _Kind("chain", 1, (chain,), ("metal", "plastic"), 1 / 40),
)

_PLASTICS = (
    *((20, 20, 22),) * 4,
    *((235, 235, 232),) * 3,
    *((128, 130, 133), (205, 195, 170), (190, 35, 35), (35, 70, 170), (225, 190, 40)),
    *((40, 130, 70), (225, 110, 30), (60, 60, 65)),
)
_ROPES = ((205, 185, 145), (230, 225, 210), (120, 95, 65), (70, 75, 80), (180, 60, 50))
_WOODS = ((110, 80, 55), (70, 52, 40), (165, 130, 90), (85, 105, 55), (225, 215, 195), (60, 75, 40))
_METALS = ((170, 172, 175), (115, 118, 122), (205, 205, 208), (45, 45, 48), (160, 130, 70))


# The category that drawn things share, as cables of one photograph do; no file has so many.
_LABEL = 1 << 30


def draw_strands(random: Random, *, side: float) -> list[Cutout]:
    """Draw one to five things that belong together, for a place where things are `side` large."""
    side = float(np.clip(side, *SIDES))
    weights = np.array([kind.weight for kind in KINDS])
    kind = KINDS[int(random.choice(len(KINDS), p=weights / weights.sum()))]
    number = 1 if random.random() < ALONE else int(random.integers(2, _MOST + 1))
    light = _light(random)
    drawn = []
    for place in range(number):
        if place == 0 or random.random() >= _ALIKE:
            look, width = _look(kind, light, random), _width(kind, side, random)
        drawn.append(_draw(kind, look, width, side, random))
    return drawn


def _draw(kind: _Kind, look: Look, width: float, side: float, random: Random) -> Cutout:
    longest = side * np.exp(random.uniform(*np.log(_LONGEST)))
    shape = kind.shapes[int(random.integers(len(kind.shapes)))]
    ribbons = fitted(
        shape(random, longest / width),
        longest=longest,
        width=width,
        degrees=random.uniform(0, 360),
    )
    layers = [Layer(ribbons, look, kind.crossing)]
    if random.random() < kind.plugs:
        layers += _plug(ribbons[0], look, random)
    image, alpha = paint(layers, random)
    return Cutout(image, alpha, f"drawn {kind.name}", _LABEL, rigid=True)


def _width(kind: _Kind, side: float, random: Random) -> float:
    most = max(side * kind.thickest, _THINNEST)
    return float(np.exp(random.uniform(np.log(_THINNEST), np.log(most))))


def _light(random: Random) -> Floats:
    """Draw where light comes from: rather from above than from aside."""
    aside, angle = random.uniform(0, 0.8), random.uniform(0, 2 * np.pi)
    return np.array([aside * np.cos(angle), aside * np.sin(angle), np.sqrt(1 - aside**2)])


def _look(kind: _Kind, light: Floats, random: Random) -> Look:
    surface = kind.surfaces[int(random.integers(len(kind.surfaces)))]
    if surface == "rope":
        return _rope(light, random)
    if surface == "plastic":
        return _plastic(light, random)
    colour = _colour(_WOODS if surface == "wood" else _METALS, random)
    gloss = random.uniform(0, 0.1) if surface == "wood" else random.uniform(0.2, 0.8)
    rough = 0.25 if surface == "wood" else 0.15
    return Look(colour, colour, light, gloss=gloss, rough=rough, flat=random.random() < 0.3)


def _plastic(light: Floats, random: Random) -> Look:
    colour = random.uniform(0, 255, 3) if random.random() < 0.2 else _colour(_PLASTICS, random)
    look = Look(
        colour,
        colour,
        light,
        gloss=random.uniform(0, 0.7),
        rough=random.uniform(0, 0.12),
        flat=random.random() < 0.15,
    )
    if random.random() >= 0.15:
        return look
    bands, twist = np.exp(random.uniform(-0.5, 2)), random.uniform(-1, 1)
    return replace(look, other=_colour(_PLASTICS, random), bands=float(bands), twist=float(twist))


def _rope(light: Floats, random: Random) -> Look:
    colour = _colour(_ROPES, random)
    other = _colour(_ROPES, random) if random.random() < 0.2 else colour * 0.85
    twist = random.choice([-1, 1]) * random.uniform(0.6, 1.2)
    bands = random.uniform(0.4, 0.9)
    return Look(colour, other, light, gloss=0.0, rough=0.1, bands=bands, twist=float(twist))


def _colour(known: tuple[tuple[int, int, int], ...], random: Random) -> Floats:
    """Draw a colour near a known one."""
    colour = known[int(random.integers(len(known)))] + random.normal(0, 10, 3)
    return np.clip(colour, 0, 255)


def _plug(ribbon: Ribbon, look: Look, random: Random) -> list[Layer]:
    """Draw the block at the last end of a cable, and at times its metal tip."""
    half, end = float(ribbon.half[-1]), ribbon.points[-1]
    ahead = end - ribbon.points[-3]
    ahead /= max(float(np.hypot(*ahead)), 1e-6)
    long, thick = half * random.uniform(4, 9), half * random.uniform(1.5, 2.6)
    body = Ribbon(np.array([end - ahead * half, end + ahead * long]), np.full(2, thick))
    if random.random() < 0.5:
        look = _plastic(look.light, random)
    metal = Look(_colour(_METALS, random), np.zeros(3), look.light, gloss=0.5, flat=True)
    tip = np.array([end + ahead * long * 0.9, end + ahead * long * random.uniform(1.2, 1.5)])
    tips = [Layer([Ribbon(tip, np.full(2, thick * 0.6))], metal)] * (random.random() < 0.6)
    return [*tips, Layer([body], replace(look, bands=0.0, flat=random.random() < 0.6))]
