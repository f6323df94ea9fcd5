"""Pasted cut-outs: they show, they hide what is below, and they hug what is left."""

import numpy as np

from boxmask.train.data.cutpaste import Cutout, paste_at_random, paste_cutout
from boxmask.train.data.scene import Instance, Scene
from boxmask.window import Window


def square(x: int, y: int, side: int) -> Instance:
    mask = Window(x, y, np.ones((side, side), bool))
    return Instance(mask.box(), mask, "square")


def scene(*instances: Instance) -> Scene:
    return Scene(np.zeros((40, 60, 3), np.uint8), instances)


def white(height: int, width: int) -> Cutout:
    image = np.full((height, width, 3), 255, np.uint8)
    return Cutout(image, np.full((height, width), 255, np.uint8), "white")


def test_what_is_pasted_becomes_an_instance_where_its_pixels_are() -> None:
    found = paste_cutout(scene(), white(5, 8), x=50, y=-2)
    assert found is not None
    (one,) = found.instances
    np.testing.assert_array_equal(one.box, [50, 0, 58, 3])
    assert (found.image[0:3, 50:58] == 255).all()
    assert found.image.sum() == 3 * 255 * 24


def test_a_mask_loses_what_is_hidden_and_its_box_hugs_the_rest() -> None:
    found = paste_cutout(scene(square(10, 10, 10)), white(20, 20), x=16, y=5)
    assert found is not None
    left = found.instances[0]
    np.testing.assert_array_equal(left.box, [10, 10, 16, 20])
    assert left.mask is not None and left.mask.bits.all() and left.mask.bits.shape == (6, 10)


def test_an_object_beside_the_cut_out_is_left_alone() -> None:
    beside = square(1, 1, 5)
    found = paste_cutout(scene(beside), white(5, 5), x=30, y=30)
    assert found is not None and found.instances[0] is beside


def test_nothing_is_hidden_beyond_asking_for_it() -> None:
    assert paste_cutout(scene(square(10, 10, 6)), white(30, 30), x=5, y=5) is None


def test_what_lies_outside_is_not_pasted() -> None:
    assert paste_cutout(scene(), white(5, 5), x=60, y=0) is None
    assert paste_cutout(scene(), white(10, 10), x=58, y=0) is None


def test_a_box_without_a_mask_stays_as_it_is() -> None:
    unseen = Instance(np.array([10.0, 10, 20, 20]), None, "unseen")
    found = paste_cutout(scene(unseen), white(20, 20), x=5, y=5)
    assert found is not None and found.instances[0] is unseen


def test_the_image_below_is_not_written_to() -> None:
    below = scene()
    paste_cutout(below, white(9, 9), x=5, y=5)
    assert not below.image.any()


def test_the_same_seed_places_the_same() -> None:
    one, other = (
        paste_at_random(scene(), white(9, 12), around=(30, 20, 10), random=np.random.default_rng(4))
        for _ in range(2)
    )
    assert np.array_equal(one.image, other.image) and one.image.any()
