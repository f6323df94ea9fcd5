"""Scenes to learn from: images of the collection, varied, cropped and pasted together.

A family of networks composes in one of two ways: a whole image with its boxes, or the
surroundings of one box. Everything random comes from the generator given.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from boxmask.models.config import ModelConfig
from boxmask.models.zoom import PADDING_GREY
from boxmask.train.data.collection import Collection
from boxmask.train.data.colour import random_factor, recolour
from boxmask.train.data.cutpaste import Cutout, paste_at_random
from boxmask.train.data.scene import Box, Instance, Pixels, Scene
from boxmask.train.data.strands import draw_strands
from boxmask.train.data.warp import (
    Canvas,
    Map,
    compose,
    linear_map,
    map_box,
    map_neighbour,
    render,
    warp_instance,
    whole_pixels,
    with_translation,
)
from boxmask.train.recipe import Augment
from boxmask.turned import angle_around

Random = np.random.Generator
Items = npt.NDArray[np.int64]

_SLACK = 1.1  # a scene shows this much more than the view that is cut from it
_MARGIN = 24  # pixels beyond that: with aligned corners, samples draw in a little in small images
_STEPS = 8  # scales that a crop is drawn from, as in the paper
_BORDER = 128  # pixels that the centre of a crop keeps from the edge


def image_scene(collection: Collection, items: Items, *, config: Augment, random: Random) -> Scene:
    """Compose a whole image, or a square crop of it, with some of its boxes."""
    image = collection.images[int(collection.table.image[items[0]])]
    matrix, size = _from_corner(_draw_linear(config, random), image)
    canvas: Canvas = (0, 0, *size)
    if config.scale_crop is not None:
        canvas = _square_crop(size, config.scale_crop, random)
    instances = [collection.instances[int(item)] for item in items]
    scene = _render_scene(image, instances, matrix, canvas, fill=0)
    spot = None
    for cutout in draw_cutouts(collection, config, random, side=_typical_side(scene)):
        if spot is None or not cutout.rigid:  # strands of a bundle share one
            spot = random.uniform(0, 1, 2) * scene.image.shape[:2]
        side = float(np.sqrt(cutout.alpha.size))
        scene = paste_at_random(scene, cutout, around=(spot[1], spot[0], side), random=random)
    return replace(scene, image=recolour(scene.image, config, random))


def box_scene(
    collection: Collection,
    item: int,
    *,
    model: ModelConfig,
    config: Augment,
    random: Random,
    context: float | None = None,
) -> Scene:
    """Compose what a view of one box is cut from; its only instance is the one asked for.

    It shows as much around the box as the model's views do, or another `context`. Networks of
    window masks are told of its neighbours: those of the image and what was pasted.
    """
    image = collection.images[int(collection.table.image[item])]
    instance = collection.instances[item]
    reach = (context or model.context) * _SLACK
    # Twice the view's resolution is enough: large boxes are reduced at once, not warped in full.
    step = max(1, int(_sides(instance.box).max() * reach / (2 * model.view_size)))
    part = _draw_linear(config, random)
    if angle := _draw_angle(instance, config, random):
        part = part @ linear_map(degrees=-np.degrees(angle))
    matrix, frame = _from_corner(part / step, image)
    target = warp_instance(instance, matrix, None) or instance
    canvas = _surroundings(target.box, reach, frame)
    scene = _render_scene(image, [instance], matrix, canvas, fill=PADDING_GREY)
    if not scene.instances:
        return Scene(image, (replace(instance, mask=None),))
    x, y = scene.instances[0].box.reshape(2, 2).mean(axis=0)
    side = float(np.sqrt(_sides(scene.instances[0].box).prod()))
    for cutout in draw_cutouts(collection, config, random, side=side):
        scene = paste_at_random(scene, cutout, around=(x, y, side), random=random)
    asked = _draw_asked(scene, config, random)
    everything = scene.instances
    scene = replace(scene, image=recolour(scene.image, config, random), instances=(asked,))
    if not model.window_masks:
        return scene
    pasted = (one for one in everything if one is not asked)
    beside = _beside(collection, item, matrix, canvas)
    return replace(scene, neighbours=(*beside, *pasted))


def _draw_asked(scene: Scene, config: Augment, random: Random) -> Instance:
    """Draw what is asked for: the first instance, or one of those pasted over it."""
    if random.random() >= config.paste_target or len(scene.instances) == 1:
        return scene.instances[0]
    if not config.strands:
        return scene.instances[-1]
    return scene.instances[int(random.integers(1, len(scene.instances)))]  # those below teach too


def _beside(collection: Collection, item: int, matrix: Map, canvas: Canvas) -> list[Instance]:
    """Return the other boxes of an item's image where they are in its scene."""
    to_scene = compose(with_translation(np.eye(2), x=-canvas[0], y=-canvas[1]), matrix)
    return [replace(one, box=map_neighbour(to_scene, one.box)) for one in collection.beside(item)]


def _draw_linear(config: Augment, random: Random) -> Map:
    """Draw the (2, 2) map of an image: mirrored, stretched, turned."""
    mirror = random.random() < config.flip
    if random.random() >= config.warp or not (config.rotate or config.stretch):
        return linear_map(mirror=mirror)
    degrees = random.uniform(-1, 1) * config.rotate
    return linear_map(degrees=degrees, mirror=mirror, stretch=random_factor(random, config.stretch))


def _draw_angle(instance: Instance, config: Augment, random: Random) -> float:
    """Draw the frame that an instance is seen in: that of its box, or of the smallest around it."""
    if instance.angle or instance.mask is None or not config.turn:
        return instance.angle
    return angle_around(instance.mask) if random.random() < config.turn else 0.0


def draw_cutouts(
    collection: Collection, config: Augment, random: Random, *, side: float
) -> list[Cutout]:
    """Draw objects of other images to paste, or strands where things are `side` pixels large.

    None at all, as often as the recipe says.
    """
    if random.random() >= config.paste:
        return []
    if config.strands and random.random() < config.strands:
        return _alike(draw_strands(random, side=side), config, random)
    drawn = []
    donors = np.flatnonzero(collection.table.supervised)
    for item in random.choice(donors, random.integers(1, config.paste_most + 1)):
        instance = collection.instances[int(item)]
        if instance.mask is not None:
            pixels = _pixels_of(collection.images[int(collection.table.image[item])], instance)
            alpha = instance.mask.bits.T.astype(np.uint8) * 255
            pixels = recolour(pixels, config, random)
            drawn.append(Cutout(pixels, alpha, instance.name, instance.label))
    return drawn


def _alike(cutouts: list[Cutout], config: Augment, random: Random) -> list[Cutout]:
    """Recolour all in one way: those that look the same are to stay so."""
    seed = int(random.integers(1 << 32))
    return [
        replace(one, image=recolour(one.image, config, np.random.default_rng(seed)))
        for one in cutouts
    ]


def _square_crop(size: tuple[int, int], scales: tuple[float, float], random: Random) -> Canvas:
    """Draw a square whose side is a share of the longest side; it may leave the image."""
    side = round(max(size) * float(random.choice(np.linspace(*scales, _STEPS))))
    corner = [round(_centre(extent, random) - side / 2) for extent in size]
    return corner[0], corner[1], corner[0] + side, corner[1] + side


def _centre(extent: int, random: Random) -> float:
    border = float(_BORDER)
    while border >= extent / 2:
        border /= 2
    return float(random.uniform(border, extent - border))


def _from_corner(part: Map, image: Pixels) -> tuple[Map, tuple[int, int]]:
    """Shift a mapped image to the origin; return the map and the image's new size."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = map_box(
        with_translation(part), np.array([0, 0, width, height], dtype=np.float64)
    )
    size = tuple(max(1, int(np.ceil(side - 1e-6))) for side in (x1 - x0, y1 - y0))
    return with_translation(part, x=-x0, y=-y0), (size[0], size[1])


def _render_scene(
    image: Pixels, instances: list[Instance], matrix: Map, canvas: Canvas, *, fill: int
) -> Scene:
    """Draw a canvas of a mapped image with what is left of its instances there."""
    x, y, x1, y1 = canvas
    matrix = compose(with_translation(np.eye(2), x=-x, y=-y), matrix)
    canvas = (0, 0, x1 - x, y1 - y)
    shown = (warp_instance(instance, matrix, canvas) for instance in instances)
    kept = tuple(one for one in shown if one is not None)
    return Scene(render(image, matrix, canvas, fill=fill), kept)


def _surroundings(box: Box, reach: float, frame: tuple[int, int]) -> Canvas:
    centre, half = (
        np.tile((box[:2] + box[2:]) / 2, 2),
        np.tile(_sides(box), 2) * reach / 2 + _MARGIN,
    )
    around = whole_pixels(centre + half * [-1, -1, 1, 1])
    x0, y0, x1, y1 = np.clip(around, 0, np.tile(frame, 2))
    return int(x0), int(y0), int(x1), int(y1)


def _typical_side(scene: Scene) -> float:
    """Return how large things are in a scene, pixels; without any, a quarter of it."""
    if not scene.instances:
        return float(max(scene.image.shape[:2])) / 4
    return float(np.median([np.sqrt(_sides(one.box).prod()) for one in scene.instances]))


def _sides(box: Box) -> Box:
    return box[2:] - box[:2]


def _pixels_of(image: Pixels, instance: Instance) -> Pixels:
    assert instance.mask is not None
    x, y = instance.mask.x, instance.mask.y
    width, height = instance.mask.bits.shape
    return image[y : y + height, x : x + width]
