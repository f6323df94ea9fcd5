"""Middle lines of thin things, before they get a size, a width and a colour.

Lengths are free; half widths are relative, 1 for the thing's own width. `slim` is how many widths
long the thing will be at the least: what bends or repeats leaves that much cache_bytes.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from boxmask.train.data.ribbon import Floats, Ribbon

Random = np.random.Generator

_POINTS = 128  # of a curved line
_LEAST_HALF = 0.75  # pixels


def wander(random: Random, slim: float) -> list[Ribbon]:
    """Draw a line that winds: nearly straight, bent, or through its own loops."""
    bends = random.normal(0, 1, random.integers(2, 9))
    curvature = np.interp(np.linspace(0, 1, _POINTS), np.linspace(0, 1, len(bends)), bends)
    curvature *= np.exp(random.uniform(np.log(0.5), np.log(30))) / np.abs(curvature).mean()
    winding = _along(curvature)
    sharpest = slim / 1.3 / float(np.ptp(winding, axis=0).max())
    curvature *= min(1.0, sharpest / float(np.abs(curvature).max()))
    return [plain(_along(curvature))]


def coil(random: Random, slim: float) -> list[Ribbon]:
    """Draw turns along a bent axis, as of a telephone's cord, or around one centre."""
    turns = random.uniform(1.5, float(np.clip(slim / 5, 3, 9)))
    angle = np.linspace(0, 2 * np.pi * turns, int(40 * turns))
    share = angle / angle[-1]
    if random.random() < 0.5:  # cord
        bend = random.uniform(-1.5, 1.5)
        heading = bend * (share - 0.5)
        axis = np.cumsum(np.column_stack([np.cos(heading), np.sin(heading)]), axis=0) / len(angle)
        radius = random.uniform(0.4, 1.0) / turns * np.ones_like(share)
        squash = random.uniform(0.7, 2.5)
    else:
        growth = random.uniform(0, 0.8)
        wobble = np.interp(share, np.linspace(0, 1, 9), random.normal(0, 0.06, 9))
        radius, heading = 1 - growth * share + wobble, np.zeros_like(share)
        drift = random.uniform(-0.5, 0.5, 2)
        axis, squash = share[:, None] * drift, random.uniform(0.4, 1.0)
    ahead, aside = radius * np.cos(angle), radius * squash * np.sin(angle)
    cosine, sine = np.cos(heading), np.sin(heading)
    turned = np.column_stack([ahead * cosine - aside * sine, ahead * sine + aside * cosine])
    return [plain(axis + turned)]


def rod(random: Random, slim: float) -> list[Ribbon]:
    """Draw a straight line, or one hardly bent, that may get thinner."""
    x = np.linspace(0, 1, 9)
    bow = random.uniform(-0.08, 0.08) * (random.random() < 0.3)
    half = np.linspace(1, 1 if random.random() < 0.5 else random.uniform(0.4, 1), 9)
    return [Ribbon(np.column_stack([x, bow * x * (1 - x) * 4]), half)]


def branches(random: Random, slim: float) -> list[Ribbon]:
    """Draw a stem with branches of branches; the stem lies above."""
    wild = random.uniform(0.1, 1.2)
    grown = _grow(random, np.zeros(2), 0.0, length=1.0, half=1.0, wild=wild, depth=2)
    return grown[::-1]


def ring(random: Random, slim: float) -> list[Ribbon]:
    """Draw a ring."""
    return _tilted([_circle(1.0)], random)


def wheel(random: Random, slim: float) -> list[Ribbon]:
    """Draw a rim, a hub and spokes."""
    hub, number = random.uniform(0.08, 0.25), int(random.integers(3, int(np.clip(slim, 6, 24))))
    angles = 2 * np.pi * (np.arange(number) + random.random()) / number
    lean = random.uniform(0, 0.8) * np.where(np.arange(number) % 2, 1, -1)
    lean *= random.random() < 0.5
    outer, inner = (
        np.column_stack([np.cos(turned), np.sin(turned)]) for turned in (angles, angles + lean)
    )
    thin = random.uniform(0.3, 0.8)
    spokes = [line(hub * a, b, half=thin) for a, b in zip(inner, outer, strict=True)]
    return _tilted([*spokes, _circle(hub), _circle(1.0, half=1.3)], random)


def grid(random: Random, slim: float) -> list[Ribbon]:
    """Draw bars both ways inside a frame."""
    most = int(np.clip(slim / 3, 3, 10))
    tall, (columns, rows) = random.uniform(0.4, 1.0), random.integers(1, most, 2)
    thin = random.uniform(0.4, 1.0)
    bars = [
        *(line((x, 0), (x, tall), half=thin) for x in np.linspace(0, 1, columns + 1)[1:-1]),
        *(line((0, y), (1, y), half=thin) for y in np.linspace(0, tall, rows + 1)[1:-1]),
    ]
    return _tilted([*bars, *_frame(1.0, tall)], random)


def slats(random: Random, slim: float) -> list[Ribbon]:
    """Draw a chair's back or a ladder: two posts, and what is between them."""
    tall, number = random.uniform(0.8, 3), int(random.integers(2, int(np.clip(slim / 3, 4, 9))))
    thin, past = random.uniform(0.4, 1.2), random.uniform(0, 0.2) * tall
    if random.random() < 0.5:
        between = [line((0, y), (1, y), half=thin) for y in np.linspace(0, tall, number + 2)[1:-1]]
    else:
        between = [line((x, 0), (x, tall), half=thin) for x in np.linspace(0, 1, number + 2)[1:-1]]
        between += [line((0, y), (1, y), half=1) for y in (0, tall)]
    posts = [line((x, -past), (x, tall + past), half=1) for x in (0, 1)]
    return _tilted([*between, *posts], random)


def fork(random: Random, slim: float) -> list[Ribbon]:
    """Draw tines on a bridge on a handle: a fork, a rake or a comb."""
    number = int(random.integers(2, int(np.clip(slim / 4, 4, 12))))
    tine, wide = random.uniform(0.25, 0.6), random.uniform(0.12, 0.5)
    thin = min(1.0, slim * wide / max(1, number - 1) / 2.5)
    bow = random.uniform(0, 0.4) * wide
    y = np.linspace(-wide / 2, wide / 2, 4 * (number - 1) + 1)
    bridge = np.column_stack([bow * ((2 * y / wide) ** 2 - 1), y])
    tines = [
        Ribbon(np.array([root, (tine, root[1])]), np.array([thin, thin * 0.7]))
        for root in bridge[::4]
    ]
    handle = line((-bow, 0), (-bow - random.uniform(0.4, 1.2), 0), half=random.uniform(1, 1.6))
    parts = [*tines, plain(bridge)]
    return [*parts, handle]


def chain(random: Random, slim: float) -> list[Ribbon]:
    """Draw links along a line, every second one seen from its edge."""
    (middle,) = wander(random, slim / 12)
    number = int(np.clip(slim / random.uniform(3, 5), 7, 36))
    far = np.linspace(0, _POINTS - 1, number + 1)
    x, y = (np.interp(far, np.arange(_POINTS), middle.points[:, axis]) for axis in (0, 1))
    ends = np.column_stack([x, y])
    high = random.uniform(0.25, 0.45)
    links = [_link(ends[n], ends[n + 1], high=high, edge=n % 2 > 0) for n in range(number)]
    return links[::2] + links[1::2]


def plain(points: Floats, *, closed: bool = False) -> Ribbon:
    """Return a ribbon of the thing's own width."""
    return Ribbon(points, np.ones(len(points)), closed)


def line(start: npt.ArrayLike, end: npt.ArrayLike, *, half: float) -> Ribbon:
    """Return a straight ribbon."""
    return Ribbon(np.array([start, end], dtype=np.float64), np.full(2, half))


def _tilted(ribbons: list[Ribbon], random: Random) -> list[Ribbon]:
    """Show flat things from aside, as often as not."""
    if random.random() < 0.5:
        return ribbons
    matrix = np.array([[random.uniform(0.35, 1), 0], [random.uniform(-0.3, 0.3), 1]])
    return [replace(one, points=one.points @ matrix) for one in ribbons]


def fitted(ribbons: list[Ribbon], *, longest: float, width: float, degrees: float) -> list[Ribbon]:
    """Turn a thing, and give it its longest side and its width in pixels."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    points = [one.points @ turn for one in ribbons]
    extent = np.ptp(np.concatenate(points), axis=0).max()
    scale = longest / max(float(extent), 1e-6)
    return [
        replace(one, points=turned * scale, half=np.maximum(one.half * width / 2, _LEAST_HALF))
        for one, turned in zip(ribbons, points, strict=True)
    ]


def _along(curvature: Floats) -> Floats:
    """Follow a line of length 1 from curvatures (n,) at even steps to points (n, 2)."""
    heading = np.cumsum(curvature) / len(curvature)
    return np.cumsum(np.column_stack([np.cos(heading), np.sin(heading)]), axis=0) / len(curvature)


def _grow(
    random: Random,
    start: Floats,
    heading: float,
    *,
    length: float,
    half: float,
    wild: float,
    depth: int,
) -> list[Ribbon]:
    number = 12
    headings = heading + np.cumsum(random.normal(0, wild / 3, number))
    steps = np.column_stack([np.cos(headings), np.sin(headings)]) * length / number
    points = np.concatenate([start[None], start + np.cumsum(steps, axis=0)])
    grown = [Ribbon(points, half * np.linspace(1, 0.35, number + 1))]
    if depth == 0:
        return grown
    for at in random.integers(2, number, random.integers(2, 6)):
        side = random.choice([-1, 1]) * random.uniform(0.4, 1.2)
        grown += _grow(
            random,
            points[at],
            float(headings[at]) + side,
            length=length * random.uniform(0.3, 0.6),
            half=float(grown[0].half[at]) * 0.75,
            wild=wild,
            depth=depth - 1,
        )
    return grown


def _circle(radius: float, *, half: float = 1.0) -> Ribbon:
    angle = np.linspace(0, 2 * np.pi, 49)
    points = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    return Ribbon(points, np.full(49, half), closed=True)


def _frame(wide: float, tall: float) -> list[Ribbon]:
    corners = [(0.0, 0.0), (wide, 0.0), (wide, tall), (0.0, tall), (0.0, 0.0)]
    return [line(a, b, half=1.0) for a, b in pairwise(corners)]


def _link(start: Floats, end: Floats, *, high: float, edge: bool) -> Ribbon:
    """Draw a link between two places, reaching a little beyond both."""
    middle, ahead = (start + end) / 2, (end - start) * 0.65
    if edge:
        return line(middle - ahead, middle + ahead, half=1.0)
    angle = np.linspace(0, 2 * np.pi, 17)[:, None]
    aside = np.array([-ahead[1], ahead[0]]) * high * 1.6
    return plain(middle + np.cos(angle) * ahead + np.sin(angle) * aside, closed=True)
